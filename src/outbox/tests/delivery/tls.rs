//! HTTPS with an authority of one's own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use schakel_outbox::{Settings, Trust};

use crate::receiver::{Receiver, Sender, assert_in_order, settings, status};

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn trust(&self) -> Trust {
        Trust::CaPem(self.issuer.pem().into_bytes())
    }

    fn server(&self, name: &str, version: &'static rustls::SupportedProtocolVersion) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.into()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

fn https(trust: Trust) -> Settings {
    Settings { trust, allow_plain_http: false, ..settings() }
}

#[tokio::test]
async fn a_private_authority_is_believed_when_configured() {
    let authority = Authority::new("municipality");
    let config = authority.server("localhost", &rustls::version::TLS13);
    let mut receiver = Receiver::with_tls(Some(config), |_| status(200)).await;
    let sender = Sender::new(&receiver.url, https(authority.trust()));
    sender.tell(1, 40, 4).await;
    let hits = receiver.delivered(40).await;
    assert_in_order(&hits, 1, 40);
    assert!(hits[0].is_signed_with(&sender.subscription.secret));
    assert!(receiver.connections() <= 4, "connections are used again");
    assert_eq!(sender.left().await, (vec![], vec![]));
}

#[tokio::test]
async fn another_authority_or_name_is_not_believed() {
    let authority = Authority::new("municipality");
    for (name, trust, expected) in [
        ("localhost", Authority::new("somebody else").trust(), "UnknownIssuer"),
        ("elsewhere.nl", authority.trust(), "not valid for name"),
    ] {
        let config = authority.server(name, &rustls::version::TLS13);
        let mut receiver = Receiver::with_tls(Some(config), |_| status(200)).await;
        let sender = Sender::new(&receiver.url, https(trust));
        sender.tell(1, 1, 1).await;
        let error = sender.until(|status| status.failed > 1).await.last_error.unwrap().text;
        assert!(error.contains(expected), "{error}");
        assert_eq!(receiver.rest(), 0);
    }
}

#[tokio::test]
async fn tls_12_is_spoken_only_when_configured() {
    let authority = Authority::new("municipality");
    let config = authority.server("localhost", &rustls::version::TLS12);
    let mut receiver = Receiver::with_tls(Some(config), |_| status(200)).await;
    let sender = Sender::new(&receiver.url, https(authority.trust()));
    sender.tell(1, 1, 1).await;
    let error = sender.until(|status| status.failed > 0).await.last_error.unwrap().text;
    assert!(error.contains("TLS"), "{error}");
    assert_eq!(receiver.rest(), 0);
    let url = receiver.url.clone();
    let sender = sender.restart(&url, Settings { tls12: true, ..https(authority.trust()) }).await;
    assert_eq!(receiver.hit().await.seqs(), [1]);
    assert_eq!(sender.left().await, (vec![], vec![]));
}
