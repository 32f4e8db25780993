//! What the bodies of this system hold, by name, in the notation of `schema` (contract incidentiq §2, §6 to §16).

use serde_json::{Value, json};

use super::state::State;

/// The schemas that rows name, and those that these name.
pub(super) const ALL: &[(&str, &str)] = &[
    (
        "Envelope",
        "{UserToken guid, RequestDate* text, ExecutionTime number, StatusCode* int, Message text?, ErrorKey text?, ServerName text, ProcessId int, Properties object}",
    ),
    (
        "Action",
        "{StatusCode* int, Message text?, RequestDate* text, ExecutionTime number, ServerName text}",
    ),
    (
        "Paging",
        "{TotalRows* int, PageCount* int, PageSize* int, PageIndex* int}",
    ),
    (
        "Error",
        "{StatusCode* int, Message* text, RequestDate text, ErrorKey text?, Errors any, RetryAfter int, RequestId guid, CorrelationId guid}",
    ),
    (
        "TicketUser",
        "{UserId* guid, Name text, FirstName text, LastName text, Email text, Username text, LocationId guid, RoleId guid, SchoolIdNumber text}",
    ),
    (
        "TicketTeam",
        "{TeamId* guid, TeamName text, MembersCount int}",
    ),
    (
        "WorkflowStep",
        "{WorkflowId guid, WorkflowStepId guid, StepName* text, StatusId* guid, StatusName* text, IsClosed* bool, Color text}",
    ),
    (
        "Priority",
        "{PriorityLevelId* guid, Name* text, Min* int, Max* int, Color text}",
    ),
    ("CloseReason", "{CloseReasonTypeId* guid, Name* text}"),
    (
        "Sla",
        "{SlaId* guid, Name text, Metrics [{Name text, ValueInMinutes int}]}",
    ),
    (
        "TicketAsset",
        "{TicketAssetId guid, CreatedDate time, AssetId* guid, AssetTag text, SerialNumber text, ModelId guid, ModelName text, OwnerId guid}",
    ),
    (
        "CustomFieldValue",
        "{TicketId guid?, CustomFieldTypeId* guid, CustomFieldId guid, EditorTypeId int, Value text?, ComplexValue any, IsHidden bool}",
    ),
    ("Tag", "{TagId guid, Name text, IsDeleted bool}"),
    (
        "File",
        "{FileId* guid, Name text, FileName text, Url text, FileType int, MimeType text, Size int, CreatedDate time, IsPrivateInternal bool, IsDeleted bool, IsImage bool}",
    ),
    (
        "InlineFile",
        "{FileId guid, FileName text, FileData text, ContentType text}",
    ),
    (
        "Ticket",
        "{TicketId guid, TicketNumber* text, TicketNumberSort int, SiteId guid, ProductId guid, Subject* text, IssueDescription text?, \
        ForId* guid, For* TicketUser, OwnerId* guid, Owner TicketUser, AssignedToUserId guid?, AssignedToUser TicketUser?, \
        AssignedToTeamId guid?, AssignedToTeam TicketTeam?, LocationId* guid, Location Location, LocationRoomId guid?, LocationRoom any, \
        LocationDetails text?, IssueId* guid, Issue* Issue, IsIssueConfirmed bool, WorkflowStepId* guid, WorkflowStep* WorkflowStep, IsClosed* bool, \
        ClosedDate time?, ClosedByUserId guid?, CloseReasonTypeId guid?, CloseReason CloseReason?, Priority* int, PriorityLevelId guid?, \
        PriorityLevel Priority?, IsUrgent bool, HasSensitiveInformation bool, IsTraining bool, IsSupportTicket bool, HasAdminSla bool, IsPastDue bool, \
        TicketWizardCategoryId guid?, SourceId int, CreatedDate* time, ModifiedDate* time, LastModifiedByUserDate time, StartedDate time?, DueDate time?, \
        SlaId guid?, Sla Sla?, Assets* [TicketAsset], CustomFieldValues* [CustomFieldValue], Tags* [Tag], TicketFollowerUserIds [guid], \
        TicketFollowerTeamIds [guid], Attachments [File], ParentTicketId guid?, ParentTicketNumber text?, SubtaskCount int, SubtasksClosed int, \
        SubticketCount int, SubticketsClosed int, HasSubticketsOpen bool, HasSubticketsClosed bool, IsDeleted* bool, UserPermissions Permissions}",
    ),
    (
        "Permissions",
        "{CanView bool, CanWork bool, CanResolve bool, CanCancel bool, Rights [any]}",
    ),
    (
        "Filter",
        "{Facet* text, Id text?, Value text?, Values [text], Ids [text], Name text?, Negative bool, GroupIndex int, CustomFieldTypeId guid?, Selected bool, FacetName text, SortOrder int}",
    ),
    (
        "TicketSearch",
        "{Filters [Filter], Paging {PageSize int, PageIndex int}, RequestOptions object, ProductId guid?, FilterByProduct bool, Schema text, \
        OnlyShowDeleted bool, IncludeDeleted bool, ShowChildTickets bool, ShowTicketsForAllSites bool, FilterByViewPermission bool, \
        FieldsToReturn [text], AdditionalFields [text], CommandTimeout int, Includes [text]}",
    ),
    (
        "RequestBody",
        "{LocationId guid?, Paging object, RequestOptions {Fields [text], Paging object, Filters [object], Flags int}}",
    ),
    ("View", "{ViewId* guid, Name* text, IsShared bool}"),
    (
        "NewTicket",
        "{ForId* guid, IssueId guid?, LocationId guid?, Subject text?, IssueDescription text?, LocationRoomId guid?, LocationDetails text?, ProductId guid?, \
        IssueTypeId guid?, IssueCategoryId guid?, TicketWizardCategoryId guid?, SourceId int?, IsUrgent bool?, HasSensitiveInformation bool?, IsTraining bool?, \
        Assets [object], CustomFieldValues [CustomFieldValue], Attachments [InlineFile], TicketFollowers [any], ChildTicketIds [guid], \
        RunRules bool?, SendNotifications bool?, SendEmails bool?}",
    ),
    (
        "TicketUpdate",
        "{Subject text?, IssueDescription text?, ForId guid?, OwnerId guid?, AssignedToUserId guid?, AssignedToTeamId guid?, LocationId guid?, \
        LocationRoomId guid?, LocationDetails text?, IssueId guid?, IsIssueConfirmed bool?, Priority int?, PriorityLevelId guid?, IsUrgent bool?, \
        HasSensitiveInformation bool?, SourceId int?, DueDate text?, Assets [object], CustomFieldValues [CustomFieldValue], Tags [Tag], \
        TicketFollowerUserIds [guid], TicketFollowerTeamIds [guid], Attachments [InlineFile], UpdateAssets bool, UpdateTags bool, UpdateTicketFollowers bool, \
        UpdateCustomFields bool, UpdateAttachments bool, DeleteMissingCustomFieldValues bool, SendNotifications bool, RunRules bool, SendEmails bool, \
        BypassSubjectUpdate bool}",
    ),
    (
        "CopyOptions",
        "{CopyRequestor bool, CopyPriority bool, CopyAssignedTo bool, CopyCustomFieldValues bool, RunRules bool, SendEmails bool, \
        CreateWorkpackage bool, WorkpackageName text?, Quantity int?, NewSubject text?, NewIssueId guid?}",
    ),
    (
        "AssignRequest",
        "{TicketId guid?, AssignToUserId guid?, AssignToTeamId guid?, AssignToSlaId guid?, AssignToWorkpackageId guid?, AssignToParentId guid?, \
        AssignToRelatedId guid?, ClearUser bool?, ClearTeam bool?}",
    ),
    (
        "CloseRequest",
        "{CloseReasonTypeId guid?, SkipCheckingNonMandatorySteps bool, ForceCloseRelatedTickets bool, RunPostOperationsAsync bool}",
    ),
    (
        "TicketStatus",
        "{CurrentWorkflowStep* WorkflowStep, IsAwaitingOnApproval* bool, CanBeSentForApproval bool, ApproverIds [guid], ApprovalLog [object], IsApproved bool?}",
    ),
    (
        "TicketSla",
        "{TicketId* guid, Sla Sla?, SlaTimes* [{Name text, LogMinutes int, IsRunning bool}]}",
    ),
    (
        "TimelineOptions",
        "{LoadRevisions bool, LoadComments bool, LoadActions bool, LoadAttachments bool, LoadParts bool, LoadWorkflowLogs bool, \
        LoadRuleExecutionsLogs bool, LoadSlaTimerLogs bool, LoadMessagingActivity bool}",
    ),
    (
        "Approval",
        "{ApprovalId* guid, TicketId guid, Approvers [TicketUser], Action text?, Comments text?, CreatedDate time}",
    ),
    (
        "NextStep",
        "{NextStepId* guid, Name text, IsMandatory bool, IsResolved bool}",
    ),
    (
        "NewActivity",
        "{TicketId guid?, TicketActivityId guid?, OwnerId guid?, CreatedDate text?, IsPublic bool?, IsDeleted bool?, SortOrder int?, ActivityItems* [object], \
        WaitForResponse bool, TicketWasUpdated bool}",
    ),
    (
        "Activity",
        "{TicketActivityId* guid, SiteId guid, ProductId guid, TicketId* guid, TicketSubject text, OwnerId guid, Owner* TicketUser, IsPublic* bool, \
        IsDeleted* bool, ActivityItems* [ActivityItem], SortOrder int?, CreatedDate* time, ModifiedDate* time}",
    ),
    (
        "ActivityItem",
        "{TicketActivityId* guid, TicketActivityTypeId int, TicketActivityCommentId guid, TicketActivityActionId guid, TicketActivityRevisionId guid, \
        TicketActivityWorkflowLogId guid, IsPublic bool, CreatedDate* time, ModifiedDate* time}",
    ),
    (
        "Follower",
        "{UserId guid?, TeamId guid?, Name text, Email text?}",
    ),
    (
        "NewSubtask",
        "{TicketId* guid, Subject* text, AssignedTo guid?, SubtaskGroupId guid?, SortOrder int?}",
    ),
    (
        "Subtask",
        "{TicketSubtaskId* guid, SubtaskId guid, TicketId* guid, Subject* text, IsCompleted* bool, IsComplete bool, CompletedBy guid?, CompletedOn time?, \
        IsAssigned* bool, AssignedTo guid?, AssignedOn time?, IsDeleted bool, CreatedById guid, CreatedDate time, HasTicket bool, CreatedTicketId guid?, \
        SubtaskGroupId guid?, SortOrder int}",
    ),
    (
        "SubtaskGroup",
        "{SubtaskGroupId* guid, Name* text, UserId guid, IsDeleted bool}",
    ),
    (
        "BulkRequest",
        "{TicketIds [guid], Request any, Flags int, ProductId guid?, IsSelectAll bool, TicketRequest TicketSearch}",
    ),
    (
        "Login",
        "{UserId* guid, User TicketUser, SiteId* guid, ProductId* guid, Site Site, UserToken text, JwtToken text}",
    ),
    (
        "Site",
        "{SiteId* guid, Name text, Domain text, TimeZone* text, OffsetInMinutesFromUtc int, PriorityLevels [Priority], CloseReasonTypes [CloseReason], EntityTypes [object]}",
    ),
    (
        "Status",
        "{TicketStatusTypeId* guid, StatusId guid, StatusName* text, WorkflowStepId guid, StepName text, WorkflowId guid, IsClosed* bool, IsReadonly bool, \
        IsRequestorInputNeeded bool, Color text, DisplayOrder int}",
    ),
    ("Workflow", "{WorkflowId* guid, Name text, ProductId guid}"),
    (
        "Source",
        "{SourceId* guid, Name* text, Description text?, IsSystem bool, IsActive bool}",
    ),
    (
        "Field",
        "{FieldId guid, Name* text, FieldType text, IsRequired bool, Value int}",
    ),
    (
        "WizardCategory",
        "{TicketWizardCategoryId* guid, Name* text, Icon text, SortOrder int, IsDisabled bool}",
    ),
    (
        "ResolutionAction",
        "{ResolutionActionId* guid, Name* text, ActionCategoryName text}",
    ),
    (
        "CustomFieldType",
        "{CustomFieldTypeId* guid, Name* text, EditorType* int, EditorTypeId int, Options* text}",
    ),
    (
        "CustomField",
        "{CustomFieldId* guid, CustomFieldTypeId* guid, CustomFieldType* CustomFieldType, IsRequired bool}",
    ),
    (
        "Location",
        "{LocationId* guid, Name* text, Abbreviation text, SiteId guid, LocationTypeId guid, LocationType LocationType, IsDeleted bool}",
    ),
    ("LocationType", "{LocationTypeId guid, Name text}"),
    (
        "Room",
        "{LocationRoomId* guid, Name* text, LocationId* guid, SiteId guid}",
    ),
    (
        "Issue",
        "{IssueId* guid, Name* text, IssueTypeId guid, IssueCategoryId guid, IssueCategoryName text, Scope text, WorkflowId guid}",
    ),
    (
        "IssueType",
        "{IssueTypeId* guid, Name* text, IssueCategoryId guid, IssueCategoryName text}",
    ),
    ("Category", "{CategoryId* guid, Name* text}"),
    (
        "UserSearch",
        "{Filters [Filter], OnlyShowDeleted bool, IncludeDeleted bool, ExcludeNoAccess bool, FieldsToReturn [text], BypassIndex bool, Paging object}",
    ),
    (
        "User",
        "{UserId* guid, Name* text, FirstName text, LastName text, Email* text, Username text, SchoolIdNumber text, Grade text, LocationId guid, \
        LocationName text, RoleId guid, Role object, Portal int, IsActive bool, IsDeleted bool, SiteId guid}",
    ),
    (
        "UserUpdate",
        "{FirstName text, LastName text, Email text, Password text, LocationId guid, RoleId guid, SchoolIdNumber text}",
    ),
    ("Team", "{TeamId* guid, TeamName* text, MembersCount int}"),
    (
        "Asset",
        "{AssetId* guid, AssetTag* text, SerialNumber text, ModelId guid, Name text, Model {ModelId guid, Name text}, OwnerId guid, LocationId guid, SiteId guid, IsDeleted bool}",
    ),
];

/// The envelopes (contract §2), and bodies that are no JSON.
pub(super) fn wrapped(name: &str, inner: Value) -> Value {
    let within =
        |own: Value| json!({ "allOf": [{ "$ref": "#/components/schemas/Envelope" }, own] });
    match name {
        "Item" => within(json!({
            "type": "object",
            "properties": { "Item": inner, "Uid": { "type": "string", "format": "uuid" } },
            "required": ["Item"],
        })),
        // A bulk operation answers with the id of its job.
        "Job" => within(json!({
            "type": "object", "properties": { "Item": inner }, "required": ["Item"],
        })),
        "List" => within(json!({
            "type": "object",
            "properties": {
                "Items": { "type": "array", "items": inner },
                "ItemCount": { "type": "integer" },
                "Paging": { "$ref": "#/components/schemas/Paging" },
            },
            "required": ["Items", "Paging"],
        })),
        _ => inner,
    }
}

/// A value of a path's parameter that the population has.
pub(super) fn example(state: &State, parameter: &str) -> Option<String> {
    let district = &state.book.district;
    let ticket = |nth: usize| state.tickets.get(nth).map(|one| one.id.to_string());
    let id = match parameter {
        "ticketId" | "entityId" => return ticket(0),
        "otherId" | "originalId" => return ticket(1),
        "siteId" => district.site,
        "workflowId" => district.workflow,
        "workflowStepId" => district.statuses[1].step,
        "statusId" => district.statuses[0].status,
        "tagId" => district.tags[0].0,
        "viewId" => district.views[0].0,
        "userId" | "ownerUserId" | "forUserId" => district.users[20].id,
        "teamId" => district.teams[0].id,
        "locationId" => district.locations[2].id,
        "entityTypeId" => return Some("888891ac-91aa-e711-80c2-100dffa00001".to_owned()),
        "tag" | "tags" => return Some(district.assets[0].tag.clone()),
        "sendEmail" => return Some("false".to_owned()),
        _ => return None,
    };
    Some(id.to_string())
}
