use crate::refusals;

refusals! {
    WEBHOOK_URL_REFUSED = "webhook_url_refused" 422 "Events are not sent to this address";
    EVENT_TYPE_UNKNOWN = "event_type_unknown" 422 "There are no events of this type";
}
