//! Whom the collector is trusted by, and who it is told we are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::invalid;
use crate::error::Error;

/// PEM texts, read once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(super) authorities: Option<Vec<u8>>,
    pub(super) client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub(super) fn read(
        authorities: Option<&Path>,
        client: Option<&(PathBuf, PathBuf)>,
    ) -> Result<Self, Error> {
        let read = |file: &Path| {
            fs::read(file).map_err(|error| {
                invalid(format!("a certificate file cannot be read: {}", file.display())).caused_by(error)
            })
        };
        let client = match client {
            Some((certificate, key)) => Some((read(certificate)?, read(key)?)),
            None => None,
        };
        Ok(Self { authorities: authorities.map(read).transpose()?, client })
    }

    /// What a client by HTTP needs. `is_needed`: the endpoint is reached by TLS; the system's authorities are read only
    /// then.
    ///
    /// # Errors
    ///
    /// If a file has nothing of what it is to have, or certificate and key do not go together.
    pub(super) fn config(&self, is_needed: bool) -> Result<ClientConfig, Error> {
        let mut roots = RootCertStore::empty();
        if let Some(pem) = &self.authorities {
            let certificates = certificates(pem, "the authorities' certificates")?;
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(invalid("the authorities' certificates: none in the file can be read"));
            }
        } else if is_needed {
            // What cannot be read of them is nobody's authority.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid("TLS cannot be set up").caused_by(error))?
            .with_root_certificates(roots);
        let Some((certificate, key)) = &self.client else { return Ok(config.with_no_client_auth()) };
        let chain = certificates(certificate, "the client's certificate")?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| invalid("the client's key: no key is in the file").caused_by(error))?;
        config
            .with_client_auth_cert(chain, key)
            .map_err(|error| invalid("the client's certificate and key cannot be used").caused_by(error))
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(invalid(format!("{what}: no certificate is in the file"))),
        Err(error) => Err(invalid(format!("{what}: the file is no PEM")).caused_by(error)),
    }
}
