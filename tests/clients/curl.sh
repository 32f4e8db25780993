#!/usr/bin/env bash
# The lines of the systems' documents, with the sandbox's address in the place of theirs.
set -euo pipefail

# The last answer is in $body, its status in $status.
call() {
  local answer
  answer=$(curl --silent --show-error --write-out '\n%{http_code}' "$@")
  status=${answer##*$'\n'} body=${answer%$'\n'*}
}
is() { [ "$status" = "$1" ] || { echo "expected $1, got $status: $body" >&2; exit 1; }; }
has() { [[ $body == *"$1"* ]] || { echo "\`$1\` is not in: $body" >&2; exit 1; }; }
# A text member of the answer, the first of that name.
member() { sed -E "s/.*\"$1\":\"?([^\",}]*)\"?.*/\1/" <<<"${body%%"\"$1\":"*}\"$1\":$(sed -E 's/^([^,}]*).*/\1/' <<<"${body#*"\"$1\":"}")"; }

# --- IncidentIQ
api="$IIQ/api/v1.0"
json=(-H 'Content-Type: application/json')
iiq=(-H "Authorization: Bearer $TOKEN" -H "SiteId: $SITE_ID" -H 'Client: ApiClient')
pick() { call -X POST "${iiq[@]}" "${json[@]}" "$api/$1" -d '{}'; member "$2"; }

user=$(pick users UserId) issue=$(pick issues IssueId)
call "${iiq[@]}" "$api/locations/all"; is 200; location=$(member LocationId)
call "${iiq[@]}" "$api/teams/all"; is 200; team=$(member TeamId)

call -X POST "$api/tickets/create" "${iiq[@]}" "${json[@]}" -d '{
  "Subject": "Projector is dark", "IssueDescription": "Since this morning", "ForId": "'"$user"'",
  "IssueId": "'"$issue"'", "LocationId": "'"$location"'"}'
is 201; ticket=$(member TicketId)
call -X POST "$api/tickets" "${iiq[@]}" "${json[@]}" -d '{
  "Paging": {"PageSize": 25, "PageIndex": 0}, "Filters": [{"Facet": "StatusTypeName", "Values": ["Submitted"]}]}'
is 200; has "$ticket"; has '"PageSize":25'
call -X POST "$api/tickets?\$s=1&\$p=0&\$o=TicketCreatedDate%20desc" "${iiq[@]}" "${json[@]}" -d '{}'
is 200; has "$ticket"
call "$api/tickets/$ticket" "${iiq[@]}"; is 200; has 'Projector is dark'
call -X POST "$api/tickets/$ticket" "${iiq[@]}" "${json[@]}" -H 'ApiFlags: OnlySetMappedProperties' \
  -d '{"Subject": "Projector stays dark", "SendNotifications": false, "RunRules": false}'
is 200; has 'Projector stays dark'
call -X POST "$api/tickets/$ticket/assign" "${iiq[@]}" "${json[@]}" -d '{"TicketId": "'"$ticket"'", "AssignToTeamId": "'"$team"'"}'
is 200
call -X POST "$api/tickets/$ticket/activities/new" "${iiq[@]}" "${json[@]}" -d '{
  "TicketId": "'"$ticket"'", "IsPublic": true, "ActivityItems": [{
    "$type": "Spark.Shared.Models.TicketActivityComment, Spark.Shared", "TicketActivityTypeId": 6, "Comments": "On my way"}]}'
is 201
call "$api/tickets/$ticket/activities" "${iiq[@]}"; is 200; has 'On my way'
call -X POST "$api/tickets/$ticket/close" "${iiq[@]}" "${json[@]}" -d '{}'; is 200
call "$api/tickets/$ticket" "${iiq[@]}"; is 200; has '"IsClosed":true'
# Errors
call "$api/tickets/$ticket" -H 'Authorization: Bearer wrong'; is 401; has '"StatusCode":401'
call -X POST "$api/tickets/create" "${iiq[@]}" "${json[@]}" -d '{"Subject": "x"}'; is 400; has 'ForId'
call "$api/tickets/$ticket/comments" "${iiq[@]}"; is 404

# --- ClearFeed, dialect v1 as its help page has it, dialect rest as its reference has it
cf=(-H "Authorization: Bearer $TOKEN" "${json[@]}")
call "$CLEARFEED/v1/collections" "${cf[@]}"; is 200; collection=$(member id)
call -X POST "$CLEARFEED/v1/requests" "${cf[@]}" -d '{
  "collection_id": "'"$collection"'", "title": "Login fails", "description": "It says 403", "priority": "medium",
  "requester_email": "ann@customer.example", "custom_fields": {}, "tags": ["login"]}'
is 201; has '"ticket_id":"CF-'; request=$(member id)
for dialect in "v1 status $request" "v1/rest state ${request#req_}"; do
  read -r root state id <<<"$dialect"
  base="$CLEARFEED/$root"
  call "$base/requests/$id?include=messages" "${cf[@]}"; is 200; has 'It says 403'
  call "$base/requests?limit=5&sort_order=desc" "${cf[@]}"; is 200; has 'Login'
  call "$base/requests/search?query=login&only_public=false" "${cf[@]}"; is 200; has '"requests":['
  call -X PATCH "$base/requests/$id" "${cf[@]}" -d '{"title": "Login still fails", "'"$state"'": "in_progress"}'
  is 200; has 'Login still fails'
  call -X POST "$base/requests/$id/message" "${cf[@]}" -d '{"html_body": "Try again", "is_private": false}'; is 201
  call -X PATCH "$base/requests/$id" "${cf[@]}" -d '{"'"$state"'": "closed"}'; is 200; has '"'"$state"'":"closed"'
  call "$base/requests/$id" -H 'Authorization: Bearer wrong'; is 401
  call -X POST "$base/requests" "${cf[@]}" -d '{}'; is 400; has 'description'
  call "$base/requests/99999999" "${cf[@]}"; [ "$status" = 404 ] || [ "$status" = 400 ] || is 404
  call -X PATCH "$base/requests/$id" "${cf[@]}" -d '{"'"$state"'": "nearly"}'; is 400
done
