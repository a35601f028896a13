//! Mails that no server has taken yet (C15).

use crate::admin::metrics;
use crate::house::in_house;
use schakel_contract::views::Scope;
use schakel_journal::MailSettled;
use serde_json::{Value, json};
use uuid::Uuid;

#[test]
fn c15_mails_are_listed_without_what_is_in_them_and_sent_again() {
    in_house(async |house| {
        for _ in 0..2 {
            let message = json!({ "name": "Truus", "email": "truus@example.nl", "text": "Bel mij." });
            let left = house.post("/chat-queues/publiekszaken/offline-messages", Some(message)).await;
            assert_eq!(left.status, 200, "{}", left.body);
        }
        let first = house.get("/mails?pageSize=1").await.body;
        assert_eq!(first["items"].as_array().unwrap().len(), 1, "{first}");
        let next = format!("/mails?after={}", first["next"].as_str().unwrap());
        let second = house.get(&next).await.body;
        assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null));
        let mail = &first["items"][0];
        assert_eq!(
            (&mail["queue"], &mail["state"], &mail["attempts"]),
            (&json!("publiekszaken"), &json!("waiting"), &json!(0)),
            "{mail}"
        );
        let id: Uuid = mail["id"].as_str().unwrap().parse().unwrap();
        let given_up = MailSettled::Dead { error: "550 no such mailbox".into() };
        house.store.settle_mail(id.as_u128(), given_up).await.unwrap();
        let all = house.get("/mails").await.body;
        let dead = &all["items"][0];
        assert_eq!((&dead["state"], &dead["reason"]), (&json!("dead"), &json!("550 no such mailbox")));
        assert_eq!(dead.get("dueAt"), None);
        for secret in ["Truus", "truus@example.nl", "Bel mij"] {
            assert!(!all.to_string().contains(secret), "{secret} in {all}");
        }
        let text = metrics(&house).await;
        for wanted in ["schakel_mail_waiting 1\n", "schakel_mail_dead 1\n"] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
        let again = house.post(&format!("/mails/{id}/redrive"), None).await;
        assert_eq!((again.status.as_u16(), &again.body["state"]), (200, &json!("waiting")), "{}", again.body);
        assert_eq!(again.body["attempts"], 0);
        assert!(metrics(&house).await.contains("schakel_mail_dead 0\n"));
        assert_eq!(house.post(&format!("/mails/{}/redrive", Uuid::nil()), None).await.status, 404);
        assert_eq!(house.post("/mails/x/redrive", None).await.status, 400);
        assert_eq!(house.get("/mails?after=x").await.status, 400);
        let other = house.new_token(&[Scope::ChatsManage], None).await;
        let bearer = format!("Bearer {other}");
        let refused = house.ask("GET", "/mails", None, &[("authorization", bearer.as_str())]).await;
        assert_eq!(refused.status, 403);
    });
}
