//! Sections of configuration files that configure an HTTP client.

/// Defines a section with the keys of an HTTP client after those in the braces of the struct and before those in the
/// braces of `with http`, and a method `http` that returns their [`HttpOptions`](super::HttpOptions).
///
/// Not a struct with `#[serde(flatten)]`: serde buffers its values, so errors have no position, and does not combine
/// it with `deny_unknown_fields`.
macro_rules! http_section {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident { $($before:tt)* } with http { $($after:tt)* }
    ) => {
        $(#[$attribute])*
        $visibility struct $name {
            $($before)*
            #[serde(skip_serializing_if = "Option::is_none")]
            basic_auth: Option<$crate::source::http::BasicAuth>,
            #[serde(skip_serializing_if = "Option::is_none")]
            authorization: Option<$crate::source::http::Authorization>,
            #[serde(default, skip_serializing_if = "crate::source::http::Headers::is_empty")]
            http_headers: $crate::source::http::Headers,
            #[serde(default, skip_serializing_if = "crate::source::http::TlsConfig::is_usual")]
            tls_config: $crate::source::http::TlsConfig,
            follow_redirects: Option<bool>,
            #[serde(skip_serializing_if = "Option::is_none")]
            proxy_url: Option<$crate::source::http::ProxyUrl>,
            #[serde(skip_serializing_if = "Option::is_none")]
            no_proxy: Option<String>,
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            proxy_from_environment: bool,
            #[serde(
                default,
                skip_serializing_if = "crate::source::http::ConnectHeaders::is_empty"
            )]
            proxy_connect_header: $crate::source::http::ConnectHeaders,
            $($after)*
        }

        impl $name {
            /// Returns the options of the HTTP client, or the first invalid field.
            fn http(
                &self,
            ) -> Result<$crate::source::http::HttpOptions, $crate::source::http::FieldError> {
                $crate::source::http::HttpOptions::new(
                    self.basic_auth.as_ref(),
                    self.authorization.as_ref(),
                    &self.http_headers,
                    &self.tls_config,
                    self.follow_redirects,
                    $crate::source::http::Proxy::new(
                        self.proxy_url.as_ref(),
                        self.no_proxy.as_deref(),
                        self.proxy_from_environment,
                        &self.proxy_connect_header,
                    )?,
                )
            }
        }
    };
}

pub(in crate::source) use http_section;
