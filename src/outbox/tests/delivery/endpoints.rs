//! Where webhooks may go.

use schakel_outbox::{Settings, UrlRefused};

use crate::receiver::{Receiver, Sender, settings, status};

#[tokio::test]
async fn only_allowed_hosts_are_called() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    let sender = Sender::new(&receiver.url, Settings { allowed_hosts: vec!["jkc.nl".into()], ..settings() });
    assert_eq!(sender.outbox.check_url(&receiver.url), Err(UrlRefused::Host("localhost".into())));
    assert_eq!(sender.outbox.check_url("https://jkc.nl/hook"), Ok(()));
    sender.tell(1, 1, 1).await;
    let status = sender.until(|status| status.pending == 1).await;
    assert!(status.last_error.unwrap().text.contains("not among the hosts"));
    assert_eq!(sender.left().await.0, [1]);
    assert_eq!((receiver.rest(), receiver.connections()), (0, 0));
}

#[tokio::test]
async fn a_name_that_leads_to_a_forbidden_address_is_not_connected_to() {
    let mut receiver = Receiver::new(|_| status(200)).await;
    // `localhost` is on the list; what it resolves to is not allowed.
    let sender = Sender::new(&receiver.url, Settings { allow_loopback: false, ..settings() });
    assert_eq!(sender.outbox.check_url(&receiver.url), Ok(()));
    sender.tell(1, 1, 1).await;
    let status = sender.until(|status| status.failed >= 2).await;
    assert!(status.last_error.unwrap().text.contains("is loopback, to which no webhook is sent"));
    assert_eq!((receiver.rest(), receiver.connections()), (0, 0));
}

#[tokio::test]
async fn metadata_addresses_are_refused_even_when_listed() {
    let hosts = ["169.254.169.254", "fe80::1", "0.0.0.0"];
    let allowed_hosts = hosts.map(String::from).to_vec();
    let sender = Sender::new("http://169.254.169.254/latest", Settings { allowed_hosts, ..settings() });
    sender.tell(1, 1, 1).await;
    let status = sender.until(|status| status.pending == 1).await;
    assert!(status.last_error.unwrap().text.contains("link-local"));
    for url in ["https://[fe80::1]/", "https://0.0.0.0/"] {
        assert!(matches!(sender.outbox.check_url(url), Err(UrlRefused::Address(..))), "{url}");
    }
}

#[tokio::test]
async fn a_changed_url_takes_effect_at_once() {
    let mut first = Receiver::new(|_| status(500)).await;
    let mut second = Receiver::new(|_| status(200)).await;
    let sender = Sender::new(&first.url, settings());
    sender.tell(1, 5, 2).await;
    first.hit().await;
    let mut subscription = sender.subscription.clone();
    subscription.url.clone_from(&second.url);
    sender.outbox.set_subscriptions(vec![subscription]);
    crate::assert_in_order(&second.delivered(5).await, 1, 5);
    assert_eq!(sender.left().await, (vec![], vec![]));
}
