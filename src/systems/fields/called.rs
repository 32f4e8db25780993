//! What the columns of other help desks' exports are called, by meaning: the tables of fields take their names from
//! here. English first, then the words of German, French, Spanish and Portuguese exports.

/// A file that hangs on it.
pub(crate) const ATTACHMENT: &[&str] = &[
    "attachment",
    "attachments",
    "attached file",
    "file",
    "anhang",
    "pièce jointe",
    "adjunto",
    "anexo",
];
/// What a ticket is about, in a few words.
pub(crate) const TITLE: &[&str] = &[
    "title",
    "subject",
    "summary",
    "short description",
    "ticket subject",
    "headline",
    "topic",
    "name",
    "ticket name",
    "question",
    "titel",
    "betreff",
    "titre",
    "sujet",
    "título",
    "titulo",
    "asunto",
    "assunto",
];
/// The whole text.
pub(crate) const DESCRIPTION: &[&str] = &[
    "description",
    "body",
    "message",
    "details",
    "issue description",
    "ticket description",
    "problem description",
    "content",
    "text",
    "detail",
    "question details",
    "answer",
    "customer scenario",
    "scenario",
    "comments",
    "notes",
    "beschreibung",
    "contenu",
    "descripción",
    "descripcion",
    "descrição",
    "descricao",
];
/// Who needs help.
pub(crate) const REQUESTER: &[&str] = &[
    "requester email",
    "requester e-mail",
    "requestor email",
    "customer email",
    "contact email",
    "reporter email",
    "created by email",
    "creator's email",
    "user email",
    "caller email",
    "email",
    "e-mail",
    "mail",
    "contact id",
    "requester",
    "requestor",
    "reporter",
    "caller",
    "caller id",
    "customer",
    "contact",
    "created by",
    "creator",
    "user",
    "reported by",
    "from",
    "full name",
    "requester.email",
    "requester.name",
    "opened by",
    "antragsteller",
    "melder",
    "demandeur",
    "solicitante",
    "requerente",
    "requerente - requerente",
    "demandeur - demandeur",
];
/// Who works on it.
pub(crate) const ASSIGNEE: &[&str] = &[
    "assignee",
    "assigned to",
    "assignee email",
    "assignee's email",
    "assignee.email",
    "technician",
    "agent",
    "owner",
    "assigned to username",
    "assigned agent",
    "bearbeiter",
    "technicien",
    "técnico",
    "tecnico",
    "atribuído - técnico",
    "attribué à - technicien",
];
/// The team that works on it.
pub(crate) const TEAM: &[&str] = &[
    "assigned group",
    "assignment group",
    "group",
    "team",
    "assigned team",
    "support group",
    "department",
    "atribuído - grupo técnico",
    "attribué à - groupe de techniciens",
];
/// How much it hurries.
pub(crate) const PRIORITY: &[&str] = &[
    "priority",
    "prio",
    "pri",
    "ticket priority",
    "severity",
    "urgency",
    "customer tier",
    "priorität",
    "prioritaet",
    "priorité",
    "prioridad",
    "prioridade",
];
/// How far it is.
pub(crate) const STATUS: &[&str] = &[
    "status",
    "state",
    "ticket status",
    "incident state",
    "statut",
    "zustand",
    "estado",
];
/// What it is filed under, in free words.
pub(crate) const TAGS: &[&str] = &[
    "tags",
    "labels",
    "tag",
    "keywords",
    "search keywords",
    "label",
    "components",
    "schlagworte",
    "étiquettes",
];
/// What is wrong.
pub(crate) const ISSUE: &[&str] = &[
    "issue",
    "issue category",
    "category",
    "problem",
    "problem type",
    "issue type",
    "subcategory",
    "ticket type",
    "type",
    "help topic",
    "request type",
    "kategorie",
    "catégorie",
    "categoría",
    "categoria",
];
/// The building.
pub(crate) const LOCATION: &[&str] = &[
    "location",
    "building",
    "school",
    "site",
    "campus",
    "facility",
    "office",
    "branch",
    "standort",
    "lieu",
    "ubicación",
    "localização",
    "entité",
    "entidade",
];
/// The room.
pub(crate) const ROOM: &[&str] = &[
    "room",
    "room number",
    "classroom",
    "raum",
    "salle",
    "aula",
    "sala",
];
/// The device.
pub(crate) const ASSET: &[&str] = &[
    "asset",
    "asset tag",
    "device",
    "asset number",
    "inventory number",
    "configuration item",
    "cmdb ci",
    "equipment",
];
/// Whether it is urgent, as yes or no.
pub(crate) const URGENT: &[&str] = &["urgent", "is urgent", "vip", "escalated"];
/// By when it must be done.
pub(crate) const DUE: &[&str] = &[
    "due date",
    "due by",
    "due",
    "needed by",
    "deadline",
    "fällig",
];
/// When it was made.
pub(crate) const CREATED: &[&str] = &[
    "created",
    "created at",
    "created time",
    "opened",
    "opened at",
    "date created",
    "created date",
    "created on",
    "date opened",
    "open date",
    "submitted",
    "date",
    "sys created on",
    "sys created at",
    "erstellt",
    "date d'ouverture",
    "data de abertura",
    "fecha de apertura",
];
/// When it was last changed.
pub(crate) const UPDATED: &[&str] = &[
    "updated",
    "updated at",
    "last updated",
    "modified",
    "last modified",
    "sys updated at",
    "sys updated on",
    "updated time",
    "last update time",
    "last update",
    "dernière modification",
    "última atualização",
];
/// When it was closed.
pub(crate) const CLOSED: &[&str] = &[
    "closed",
    "closed at",
    "closed time",
    "date closed",
    "resolved",
    "resolved at",
    "resolved time",
    "solved at",
    "date resolved",
    "closed date",
    "data da solução",
    "date de résolution",
];
/// What people call it by.
pub(crate) const NUMBER: &[&str] = &[
    "ticket #",
    "nr",
    "nr.",
    "no",
    "n°",
    "numéro",
    "número",
    "nummer",
    "ticketnummer",
    "ticket id",
    "ticket number",
    "issue key",
    "number",
    "id",
    "ticket no",
    "ticket",
    "incident number",
    "incident id",
    "case number",
    "case id",
    "issue id",
    "request id",
    "key",
    "uid",
    "reference",
    "ref",
    "legacy id",
    "task effective number",
    "sys id",
];
/// Who sent it in for another.
pub(crate) const SUBMITTER: &[&str] = &["submitter", "submitted by", "entered by", "opened by"];
/// The collection or queue.
pub(crate) const QUEUE: &[&str] = &[
    "collection",
    "queue",
    "help topic",
    "mailbox",
    "inbox",
    "project",
    "project name",
];
/// What somebody said about it.
pub(crate) const COMMENT: &[&str] = &[
    "comment",
    "comment text",
    "comment body",
    "comments",
    "note",
    "notes",
    "work notes",
    "additional comments",
    "reply",
    "body",
    "message",
    "text",
    "resolution",
    "solution",
    "kommentar",
    "commentaire",
    "comentario",
    "comentário",
];
/// Whether the requestor sees it.
pub(crate) const PUBLIC: &[&str] = &["public", "is public", "visible", "visible to customer"];
/// Who said it.
pub(crate) const AUTHOR: &[&str] = &[
    "author",
    "author email",
    "comment author",
    "comment by",
    "commented by",
    "posted by",
    "by",
];
/// Why it was closed.
pub(crate) const CLOSE_REASON: &[&str] = &[
    "close reason",
    "close code",
    "closure code",
    "resolution code",
    "resolution",
    "closed reason",
];
