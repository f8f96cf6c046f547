//! Long work: waited for, cancelled, taken up again after a crash, given up.

use crate::exports::finished;
use crate::rig::*;
use serde_json::{Value, json};

/// A job of the controller that is done, to make others like it.
fn done(company: &Company) -> Value {
    let begun = company.controller().post("/v1/exports", &json!({"type": "tds_26as"})).expect(202);
    finished(&company.controller(), &begun)
}

/// Puts a job like `like` into the queue as a worker that died, or has it, would have left it.
fn left(company: &Company, like: &Value, columns: &str) -> Value {
    let id = uuid::Uuid::now_v7();
    let text = format!(
        "INSERT INTO job (company_id, id, kind, input, behalf, created_by, status, lease, leased_until, attempts)
         SELECT company_id, '{id}', kind, input, behalf, created_by, {columns} FROM job WHERE company_id = '{}' AND id = '{}'",
        company.id,
        id_of(like)
    );
    Db::owner().run(&text).expect("the owner may");
    json!({"id": id.to_string()})
}

#[test]
fn work_a_dead_worker_left_is_done_by_another() {
    let company = Company::new();
    let controller = company.controller();
    let like = done(&company);
    let job = left(&company, &like, "'running', gen_random_uuid(), now() - interval '1 second', 1");
    let ended = finished(&controller, &job);
    assert_eq!((ended["status"].as_str(), ended["result"]["export_id"].as_str()), (Some("succeeded"), job["id"].as_str()), "{ended}");
    controller.get(&format!("/v1/exports/{}/manifest", id_of(&job))).expect(200);
    company.assert_laws();
}

#[test]
fn work_that_never_comes_to_an_end_is_given_up() {
    let company = Company::new();
    let like = done(&company);
    let job = left(&company, &like, "'running', gen_random_uuid(), now() - interval '1 second', 5");
    let ended = finished(&company.controller(), &job);
    assert_eq!((ended["status"].as_str(), ended["problem"]["code"].as_str()), (Some("failed"), Some("job_gave_up")), "{ended}");
    company.assert_laws();
}

#[test]
fn what_waits_ends_at_once_and_what_runs_is_asked_to_stop() {
    let company = Company::new();
    let controller = company.controller();
    let like = done(&company);
    let cancel = |job: &Value| controller.post(&format!("/v1/jobs/{}/cancel", id_of(job)), &json!({}));
    // Nobody takes these: they are leased for an hour.
    let waiting = left(&company, &like, "'queued', NULL, now() + interval '1 hour', 0");
    let running = left(&company, &like, "'running', gen_random_uuid(), now() + interval '1 hour', 1");
    let seen = controller.get(&format!("/v1/jobs/{}", id_of(&waiting))).expect(200);
    assert_includes(
        &seen,
        &json!({"object": "job", "kind": "export", "status": "queued", "allowed_actions": ["cancel"], "retry_after_s": 1, "result": null, "problem": null}),
    );
    assert_includes(&cancel(&waiting).expect(200), &json!({"status": "cancelled", "allowed_actions": [], "retry_after_s": null}));
    assert_includes(&cancel(&running).expect(200), &json!({"status": "running", "cancel_requested": true}));
    let refused = cancel(&waiting).refused(409, "invalid_state");
    assert_eq!(refused["current"]["status"], "cancelled");
    cancel(&like).refused(409, "invalid_state");
    // The worker that had it is gone; the next one finds that it is to stop.
    Db::owner().run(&format!("UPDATE job SET leased_until = now() - interval '1 second' WHERE id = '{}'", id_of(&running))).expect("the owner may");
    assert_eq!(finished(&controller, &running)["status"], "cancelled");
    controller.get(&format!("/v1/exports/{}/manifest", id_of(&running))).refused(404, "not_found");
    let of = |filter: &str| controller.get(&format!("/v1/jobs?{filter}")).expect(200)["data"].as_array().unwrap().len();
    assert_eq!((of("status=cancelled"), of("status=succeeded"), of("kind=export"), of("kind=import")), (2, 1, 3, 0));
    company.assert_laws();
}

#[test]
fn a_job_is_its_own_callers_and_one_that_is_being_written_is_not_there_yet() {
    let company = Company::new();
    let controller = company.controller();
    let like = done(&company);
    let waiting = left(&company, &like, "'queued', NULL, now() + interval '1 hour', 0");
    controller.get(&format!("/v1/exports/{}/manifest", id_of(&waiting))).refused(409, "export_not_ready");
    let start = std::time::Instant::now();
    let seen = controller.get(&format!("/v1/jobs/{}?wait_s=1", id_of(&waiting))).expect(200);
    assert!(start.elapsed() >= std::time::Duration::from_secs(1), "it waits as long as it was asked to");
    assert_eq!(seen["status"], "queued");
    controller.get(&format!("/v1/jobs/{}?wait_s=31", id_of(&waiting))).refused(400, "invalid_parameter");
    let other = company.as_role("auditor");
    other.get(&format!("/v1/jobs/{}", id_of(&like))).refused(404, "not_found");
    other.post(&format!("/v1/jobs/{}/cancel", id_of(&waiting)), &json!({})).refused(404, "not_found");
    assert_eq!(other.get("/v1/jobs").expect(200)["data"], json!([]));
    company.assert_laws();
}

#[test]
fn who_prefers_to_wait_gets_the_end_with_the_answer() {
    let company = Company::new();
    let controller = company.controller();
    let begin = |key: &str, prefer: &str, query: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key), ("prefer", prefer)];
        controller.send("POST", &format!("/v1/exports{query}"), &headers, Some(br#"{"type": "tds_26as"}"#))
    };
    let (key, patient) = (fresh(), "respond-async, wait=30");
    let done = begin(&key, patient, "");
    let told = (done.header("preference-applied").map(str::to_owned), done.header("location").map(str::to_owned));
    let job = if done.status == 200 { done.expect(200) } else { finished(&controller, &done.expect(202)) };
    assert_eq!(told, (Some("wait=30".into()), Some(format!("/v1/jobs/{}", id_of(&job)))));
    assert_includes(&job, &json!({"object": "job", "status": "succeeded", "problem": null}));
    controller.get(&format!("/v1/exports/{}/manifest", id_of(&job))).expect(200);
    // A retry begins nothing and hears of the same end; without the wish it is the stored answer.
    let again = begin(&key, patient, "");
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(again.json()["id"], job["id"]);
    let stored = controller.post_keyed("/v1/exports", &key, &json!({"type": "tds_26as"}));
    assert_eq!((stored.header("preference-applied"), stored.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!(stored.expect(202)["status"], "queued");
    // A dry run begins nothing to wait for, and what cannot be read was not said.
    let dry = begin(&fresh(), patient, "?validate_only=true");
    assert_eq!((dry.header("location"), dry.header("preference-applied")), (None, None));
    dry.expect(200);
    let begun = begin(&fresh(), "wait=soon", "");
    assert_eq!((begun.status, begun.header("preference-applied")), (202, None));
    finished(&controller, &begun.expect(202));
    assert_eq!(controller.get("/v1/jobs?kind=export").expect(200)["data"].as_array().unwrap().len(), 2);
    company.assert_laws();
}
