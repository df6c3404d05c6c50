//! What must not be told, by its name.

/// What stands for the value of a field that must not be told, and for a [`Sensitive`](crate::Sensitive) value.
pub const REDACTED: &str = "[redacted]";

/// Names of fields whose values are not told, in small letters and without what is between words: see
/// [`Redaction`](crate::Redaction).
pub const SECRET_FIELDS: [&str; 28] = [
    "authorization",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "jwt",
    "bearer",
    "apikey",
    "apikeys",
    "accesskey",
    "privatekey",
    "secretkey",
    "cardnumber",
    "cardno",
    "creditcard",
    "pan",
    "cvv",
    "cvc",
    "securitycode",
    "iban",
];

/// Names of fields that are URLs, written alike: the values of secret keys, user and password are taken out of them.
pub const URL_FIELDS: [&str; 6] = ["url", "uri", "urlfull", "urlquery", "urloriginal", "httptarget"];

/// What stands in a URL for what must not be told (semantic conventions, "HTTP").
pub const URL_REDACTED: &str = "REDACTED";

/// Keys of a URL's query whose values are not told (semantic conventions, "HTTP"), beside [`SECRET_FIELDS`].
pub const SECRET_QUERY_KEYS: [&str; 7] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
];
