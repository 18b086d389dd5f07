package cli

// eventMeaning explains the columns of the tables and views of events that have no comment in the schema.
var eventMeaning = map[string]string{
	"event_id":         "UUID: of the sender's message id, or by the place in the package",
	"message_id_stamp": "the sender's id of the message", "type": "class name, or such as USER_LOGIN",
	"target_subscription": "as the sender says", "new_context_account_id": "account (company) of the event",
	"new_context_user_id": "user of the event",
	"platform":            "such as web", "device": "such as desktop", "amplitude_id": "decimal",
	"ip_address": "as the sender says", "user_agent": "as the sender says",
	"session_id": "as the sender says", "processed_at": "when it was refined",
	"schema_id": "of the Avro schema of the message", "rules_version": "of the rules for context and score",
	"partition": "Kafka partition", "trace_id": "of the sender's request",
	"key": "of the message", "headers": "of the message, in order", "token": "name of the sender's token",
	"request":     "id of the request, as the collector's audit log has it",
	"traceparent": "W3C, of the sender's request", "inserted_at": "time of the insert",
	"account_id": "account (company) of the events", "context": "of the business, like billing",
	"hour": "hour of the event itself, UTC", "events": "number of events",
	"users": "number of different users", "accounts": "number of different accounts", "types": "number of different types",
	"contexts":      "contexts that occur",
	"average_score": "mean quality, from 0 to 1", "late": "number of events that were published long after their own time",
	"future":            "number of events that were published before their own time",
	"last_published_at": "when the last of them was published",
	"first_event_at":    "time of the earliest event", "last_event_at": "time of the latest event",
	"excellent": "events with a score of at least 0.9",
	"good":      "events with a score from 0.7 to 0.9", "fair": "events with a score from 0.5 to 0.7",
	"poor": "events with a score below 0.5",
}

func init() {
	for name, meaning := range eventMeaning {
		for _, table := range []string{"events", "events_bronze", "events_summary", "company_analytics",
			"event_type_summary"} {
			key := table + "." + name
			if table == "events" && (name == "late" || name == "future" || name == "token") {
				continue // these have comments
			}
			columnMeaning[key] = meaning
		}
	}
}
