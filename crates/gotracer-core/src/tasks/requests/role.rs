//! Part of a server that a stack belongs to.

use crate::timeline::is_standard;

/// Part of a server that a stack belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Role {
    /// Not a part of a server.
    #[default]
    None,
    /// Other part of a connection's goroutine.
    Connection,
    /// Waits for the next request.
    Idle,
    /// Reads a request.
    Reads,
    /// Performs a TLS handshake.
    Handshake,
    /// Writes the end of a response.
    Finishes,
    /// Runs a handler.
    Handles(Handler),
}

/// A handler, and the number of handlers that call each other down to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Handler {
    /// Number of the handler's group.
    pub group: usize,
    /// Number of nested handlers.
    pub depth: u8,
}

/// Start function of a connection's goroutine (HTTP/1).
const CONNECTION: &str = "net/http.(*conn).serve";
/// Returns whether a goroutine with this start function handles one request: HTTP/2 of
/// net/http and of golang.org/x/net, and gRPC without stream workers.
pub(super) fn is_stream(function: &str) -> bool {
    let http2 = function.contains("http2") && function.ends_with("erverConn).runHandler");
    http2 || function.starts_with("google.golang.org/grpc.(*Server).serveStreams.func")
}

/// Returns whether a function calls a handler, which is the next inner frame.
fn calls_handler(function: &str) -> bool {
    match function.strip_prefix("net/http.") {
        Some(rest) => rest.ends_with("ServeHTTP"),
        None => matches!(
            function.strip_prefix("google.golang.org/grpc.(*Server)."),
            Some("processUnaryRPC" | "processStreamingRPC")
        ),
    }
}

impl Role {
    /// Classifies a stack given its functions, the innermost first.
    /// `group` returns the number of a handler.
    pub(super) fn of(innermost_first: &[&str], group: impl FnOnce(&str) -> usize) -> Self {
        let root = innermost_first.last().copied().unwrap_or_default();
        if root != CONNECTION && !is_stream(root) {
            return Self::None;
        }
        let (mut handler, mut depth) = ("", 0_u8);
        let mut part = Self::Connection;
        let mut outer = "";
        for &function in innermost_first.iter().rev() {
            if calls_handler(outer) && !is_standard(function) {
                (handler, depth) = (function, depth.saturating_add(1));
            }
            // Callees of a handler belong to the handler.
            if depth == 0 && part == Self::Connection {
                part = match function {
                    "net/http.(*response).finishRequest" => Self::Finishes,
                    "net/http.(*conn).readRequest" => Self::Reads,
                    "crypto/tls.(*Conn).HandshakeContext" => Self::Handshake,
                    "bufio.(*Reader).Peek" => Self::Idle,
                    _ => Self::Connection,
                };
            }
            outer = function;
        }
        match depth {
            0 => part,
            depth => {
                let group = group(handler);
                Self::Handles(Handler { group, depth })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(functions: &[&str]) -> (Role, String) {
        let mut name = String::new();
        let role = Role::of(functions, |handler| {
            name = handler.into();
            7
        });
        (role, name)
    }

    #[test]
    fn stacks_of_a_connection_have_parts() {
        let serve = "net/http.(*conn).serve";
        let read = ["internal/poll.(*FD).Read", "net/http.(*connReader).Read"];
        let with = |more: &[&str]| role(&[&read[..], more, &[serve]].concat()).0;
        assert_eq!(
            with(&["bufio.(*Reader).fill", "bufio.(*Reader).Peek"]),
            Role::Idle
        );
        assert_eq!(with(&["net/http.(*conn).readRequest"]), Role::Reads);
        assert_eq!(
            with(&["crypto/tls.(*Conn).HandshakeContext"]),
            Role::Handshake
        );
        assert_eq!(
            with(&["net/http.(*response).finishRequest"]),
            Role::Finishes
        );
        assert_eq!(with(&["net/http.(*conn).hijackLocked"]), Role::Connection);
        assert_eq!(role(&["main.work", "main.main"]).0, Role::None);
        assert_eq!(role(&[]).0, Role::None);
    }

    #[test]
    fn a_handler_is_the_innermost_one_below_serve_http() {
        let net_http = |last: &'static str| {
            vec![
                last,
                "net/http.HandlerFunc.ServeHTTP",
                "net/http.(*ServeMux).ServeHTTP",
                "main.logged.func1",
                "net/http.HandlerFunc.ServeHTTP",
                "net/http.serverHandler.ServeHTTP",
            ]
        };
        let one = Role::Handles(Handler { group: 7, depth: 1 });
        let two = Role::Handles(Handler { group: 7, depth: 2 });
        for root in [
            "net/http.(*conn).serve",
            "net/http.(*http2serverConn).runHandler",
            "net/http/internal/http2.(*serverConn).runHandler",
            "golang.org/x/net/http2.(*serverConn).runHandler",
        ] {
            let mut stack = vec!["bufio.(*Reader).Peek"];
            stack.extend(net_http("main.checkout"));
            stack.push(root);
            assert_eq!(role(&stack), (two, "main.checkout".into()), "{root}");
        }
        let middleware = [
            "main.logged.func1",
            "net/http.HandlerFunc.ServeHTTP",
            "net/http.serverHandler.ServeHTTP",
            "net/http.(*conn).serve",
        ];
        assert_eq!(role(&middleware), (one, "main.logged.func1".into()));
        let grpc = [
            "main.(*server).SayHello",
            "example.com/pb._Greeter_SayHello_Handler",
            "google.golang.org/grpc.(*Server).processUnaryRPC",
            "google.golang.org/grpc.(*Server).handleStream",
            "google.golang.org/grpc.(*Server).serveStreams.func2.1",
        ];
        assert_eq!(
            role(&grpc),
            (one, "example.com/pb._Greeter_SayHello_Handler".into())
        );
    }
}
