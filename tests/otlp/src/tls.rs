//! Certificates of an authority of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// An authority, a server `localhost` and a client that it vouches for, in PEM.
pub struct Tls {
    /// Its certificate.
    pub authority: String,
    /// Certificate and key.
    pub server: (String, String),
    /// Certificate and key.
    pub client: (String, String),
    /// The server wants to know who is there.
    pub asks_for_client: bool,
}

impl Tls {
    /// New ones.
    pub fn new(asks_for_client: bool) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let vouched_for = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (parameters.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
        };
        let (server, client) = (vouched_for("localhost"), vouched_for("shop"));
        Self { authority: issuer.pem(), server, client, asks_for_client }
    }

    /// Writes them to files: the authority, the client's certificate, its key.
    pub fn write(&self, folder: &Path) -> [PathBuf; 3] {
        let files =
            [("ca.pem", &self.authority), ("client.pem", &self.client.0), ("client.key", &self.client.1)];
        files.map(|(name, pem)| {
            let file = folder.join(name);
            std::fs::write(&file, pem).unwrap();
            file
        })
    }

    pub(crate) fn server(&self) -> ServerConfig {
        let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if self.asks_for_client {
            let mut roots = RootCertStore::empty();
            roots.add(certificate(&self.authority)).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_slice(self.server.1.as_bytes()).unwrap();
        builder.with_single_cert(vec![certificate(&self.server.0)], key).unwrap()
    }
}
