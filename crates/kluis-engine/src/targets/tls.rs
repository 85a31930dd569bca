//! TLS to a server, as far as its certificate is to be checked (CredVault contract B4).

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature,
    verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::TargetError;
use super::wire::Stream;
use crate::error::Error;

/// What a connection is protected by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Nothing.
    Disable,
    /// TLS with whoever answers: safe from those who listen, not from those who take the server's place.
    Require,
    /// TLS with a server whose certificate an authority has signed, whatever name is in it.
    VerifyCa,
    /// The same with the server's name in the certificate.
    VerifyFull,
}

/// How TLS is done with one server.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) mode: TlsMode,
    /// The authorities, in PEM; those of the system unless given.
    pub(crate) ca_pem: Option<String>,
}

impl TlsMode {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Disable,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// The mode that this word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

impl Tls {
    /// Whether there is any.
    pub(super) fn is_wanted(&self) -> bool {
        self.mode != TlsMode::Disable
    }

    /// Begin TLS on `stream` with a server that is called `host`.
    pub(super) async fn begin(&self, stream: Stream, host: &str) -> Result<Stream, TargetError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TargetError::Address)?;
        let config = self.config().map_err(|_| TargetError::Certificate)?;
        let begun = TlsConnector::from(Arc::new(config)).connect(name, stream);
        match begun.await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(
                match error
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                {
                    Some(rustls::Error::InvalidCertificate(_)) => TargetError::Certificate,
                    _ => TargetError::Protocol,
                },
            ),
        }
    }

    fn config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let verifier: Arc<dyn ServerCertVerifier> = match self.mode {
            TlsMode::Disable | TlsMode::Require => Arc::new(Lenient {
                algorithms,
                roots: None,
            }),
            TlsMode::VerifyCa => Arc::new(Lenient {
                algorithms,
                roots: Some(self.roots()),
            }),
            TlsMode::VerifyFull => full(self.roots(), &provider)?,
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(config)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        match &self.ca_pem {
            Some(pem) => roots.add_parsable_certificates(
                CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok),
            ),
            None => roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        };
        roots
    }
}

/// With the name in the certificate; an empty store trusts nobody.
fn full(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    match verifier.build() {
        Ok(verifier) => Ok(verifier),
        Err(error) => Err(rustls::Error::General(error.to_string())),
    }
}

/// Checks a certificate as far as a mode short of `verify-full` does. That its server has the certificate's key is checked always.
#[derive(Debug)]
struct Lenient {
    algorithms: WebPkiSupportedAlgorithms,
    /// Who is to have signed it; anybody when `None`.
    roots: Option<RootCertStore>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                roots,
                intermediates,
                now,
                self.algorithms.all,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// That `pem` holds at least one certificate and nothing that cannot be read.
pub(crate) fn ca_certificates(pem: &str) -> Result<(), Error> {
    let wrong = || {
        Error::invalid(
            "tls.ca_pem",
            "must be certificates in PEM, at most 64 KiB of them",
        )
    };
    if pem.len() > LARGEST_CA {
        return Err(wrong());
    }
    let mut roots = RootCertStore::empty();
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| wrong())?;
        roots.add(certificate).map_err(|_| wrong())?;
        count += 1;
    }
    if count == 0 { Err(wrong()) } else { Ok(()) }
}

const LARGEST_CA: usize = 64 << 10;
