//! A certificate authority of one's own, for a demo or a test on this machine.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use std::path::{Path, PathBuf};

/// Files of a certificate that was made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The CA, to be trusted by the other side.
    pub ca: PathBuf,
    /// The server's certificate chain.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
}

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The names are not names, or the keys could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// A file could not be written.
    #[error("{file} cannot be written: {error}")]
    Write {
        /// Which.
        file: String,
        /// Why.
        error: std::io::Error,
    },
}

/// Makes a CA and a server's certificate for names and addresses such as `localhost` and `127.0.0.1`, and writes
/// `ca.pem`, `certificate.pem` and `key.pem` into a folder. The CA's own key is not kept.
///
/// # Errors
/// When a name is not one, or a file cannot be written.
pub fn make(folder: &Path, names: &[&str]) -> Result<CertificateFiles, CertificateError> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "schakel test CA");
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut server = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    server.distinguished_name.push(DnType::CommonName, "schakel test");
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &issuer)?;

    let files = CertificateFiles {
        ca: folder.join("ca.pem"),
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    write(&files.ca, &issuer.pem(), false)?;
    write(&files.certificate, &certificate.pem(), false)?;
    write(&files.key, &key.serialize_pem(), true)?;
    Ok(files)
}

fn write(file: &Path, text: &str, secret: bool) -> Result<(), CertificateError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let written =
        options.open(file).and_then(|mut open| std::io::Write::write_all(&mut open, text.as_bytes()));
    written.map_err(|error| CertificateError::Write { file: file.display().to_string(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c18_what_is_made_is_taken_by_the_server_and_by_the_client() {
        crate::tls::install();
        let folder = tempfile::tempdir().unwrap();
        let files = make(folder.path(), &["localhost", "127.0.0.1"]).unwrap();
        crate::tls::server(&files.certificate, &files.key).unwrap();
        crate::tls::client(&files.ca, false).unwrap();
        assert!(make(&folder.path().join("missing"), &["localhost"]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let files = make(folder.path(), &["localhost"]).unwrap();
        let mode = std::fs::metadata(files.key).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
