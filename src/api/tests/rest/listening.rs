//! The accept loop over real sockets: limits, TLS, and an orderly end.

use crate::house::{House, with_settings};
use http_body_util::BodyExt as _;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use schakel_api::ApiSettings;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn quick() -> ApiSettings {
    ApiSettings { header_timeout: Duration::from_millis(200), connections_max: 4, ..ApiSettings::default() }
}

async fn listen(
    house: &House,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(schakel_api::serve(listener, tls, house.app.clone(), house.stop.subscribe()));
    (address, task)
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, token: &str) -> String {
    let request = format!(
        "GET /v1/calls HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // TLS may end without its goodbye.
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8_lossy(&reply).into_owned()
}

#[test]
fn who_sends_no_headers_is_disconnected_and_others_are_served() {
    with_settings(quick(), async |house: House| {
        let (address, _task) = listen(&house, None).await;
        let started = Instant::now();
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /v1/calls HTTP/1.1\r\nhost:").await.unwrap();
        let mut good = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut good, &house.token).await.starts_with("HTTP/1.1 200"));
        let (mut nothing, mut rest) = (Vec::new(), Vec::new());
        let _ = tokio::join!(silent.read_to_end(&mut nothing), slow.read_to_end(&mut rest));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    });
}

#[test]
fn a_body_that_does_not_come_is_408() {
    with_settings(quick(), async |house: House| {
        let (address, _task) = listen(&house, None).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST /v1/transfers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 50\r\n\r\n{{",
            house.token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = vec![0; 12];
        stream.read_exact(&mut reply).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&reply), "HTTP/1.1 408");
    });
}

#[test]
fn more_connections_than_allowed_wait_for_a_place() {
    with_settings(quick(), async |house: House| {
        let (address, _task) = listen(&house, None).await;
        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut fifth = TcpStream::connect(address).await.unwrap();
        // It is served when the silent ones have been disconnected.
        assert!(ask(&mut fifth, &house.token).await.starts_with("HTTP/1.1 200"));
    });
}

#[test]
fn a_connection_that_is_kept_alive_does_not_hold_up_the_end() {
    let patient = ApiSettings { header_timeout: Duration::from_secs(60), ..ApiSettings::default() };
    with_settings(patient, async |house: House| {
        let (address, task) = listen(&house, None).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET /v1/calls HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", house.token);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = vec![0; 12];
        stream.read_exact(&mut reply).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&reply), "HTTP/1.1 200");
        house.stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(4), task).await.expect("it ends at once").unwrap();
    });
}

#[test]
fn tls_13_is_served_and_what_is_under_way_ends_in_order() {
    with_settings(quick(), async |house: House| {
        let (server, client) = tls(&[]);
        let (address, task) = listen(&house, Some(server)).await;
        let mut stream = connect(address, client).await;
        assert!(ask(&mut stream, &house.token).await.starts_with("HTTP/1.1 200"));
        house.stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(4), task).await.expect("it ends at once").unwrap();
    });
}

#[test]
fn http_2_is_served_where_tls_agrees_on_it() {
    with_settings(quick(), async |house: House| {
        let (server, client) = tls(&[b"h2"]);
        let (address, task) = listen(&house, Some(server)).await;
        let stream = hyper_util::rt::TokioIo::new(connect(address, client).await);
        let executor = hyper_util::rt::TokioExecutor::new();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
        let driver = tokio::spawn(connection);
        let request = http::Request::builder()
            .uri("https://localhost/v1/calls")
            .header("authorization", format!("Bearer {}", house.token))
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));
        assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
        house.stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(4), task).await.expect("it ends at once").unwrap();
        drop((sender, driver.await));
    });
}

/// A server with a certificate of its own, and a client that trusts it; they speak TLS 1.3 and these protocols.
fn tls(protocols: &[&[u8]]) -> (Arc<rustls::ServerConfig>, Arc<rustls::ClientConfig>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let mut client = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    server.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    client.alpn_protocols = server.alpn_protocols.clone();
    (Arc::new(server), Arc::new(client))
}

async fn connect(
    address: SocketAddr,
    client: Arc<rustls::ClientConfig>,
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    tokio_rustls::TlsConnector::from(client).connect(name, stream).await.unwrap()
}
