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
    /// Serves HTTP/2 on a connection that a handler took over (h2c), or writes the trace: no
    /// request of the program.
    Aside,
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
/// Start function of a goroutine that handles the requests of gRPC one after the other (`NumStreamWorkers`). A request
/// wakes it from its wait for the next one, because their channel has no buffer.
const WORKER: &str = "google.golang.org/grpc.(*Server).serverWorker";
/// Functions of [`Role::Aside`].
const ASIDE: [&str; 2] = [
    "golang.org/x/net/http2.(*Server).ServeConn",
    "net/http/pprof.Trace",
];

/// Returns whether a goroutine with this start function handles one request: HTTP/2 of
/// net/http and of golang.org/x/net, and gRPC without stream workers.
pub(super) fn is_stream(function: &str) -> bool {
    let http2 = function.contains("http2") && function.ends_with("erverConn).runHandler");
    http2 || function.starts_with("google.golang.org/grpc.(*Server).serveStreams.func")
}

/// Returns whether a goroutine with this start function waits for requests of gRPC.
pub(super) fn is_worker(function: &str) -> bool {
    function == WORKER
}

/// Functions that call handlers, beside those of net/http: gRPC's, and those of routers whose
/// handlers are no `http.Handler`. They end with a dot if they name a whole package.
const CALLERS: [&str; 6] = [
    "google.golang.org/grpc.(*Server).processUnaryRPC",
    "google.golang.org/grpc.(*Server).processStreamingRPC",
    "github.com/gin-gonic/gin.(*Context).Next",
    "github.com/julienschmidt/httprouter.(*Router).ServeHTTP",
    "github.com/labstack/echo/v4.(*Echo).",
    "github.com/labstack/echo/v4/middleware.",
];

/// Packages of [`CALLERS`]. Their own functions are the handlers of others only.
const ROUTERS: [&str; 4] = [
    "google.golang.org/grpc.",
    "github.com/gin-gonic/gin.",
    "github.com/julienschmidt/httprouter.",
    "github.com/labstack/echo/",
];

/// Returns whether `outer` calls `function` as a handler.
fn calls_handler(outer: &str, function: &str) -> bool {
    if is_generated(function) {
        return true;
    }
    if is_wrapper(function) {
        return false;
    }
    if outer.starts_with("net/http.") || is_wrapper(outer) {
        let calls = outer.ends_with("ServeHTTP") && !is_standard(function);
        return calls || is_standard_handler(outer, function) || serves(function);
    }
    if is_standard(function) {
        return false;
    }
    let own = ROUTERS.iter().any(|package| function.starts_with(package));
    !own && CALLERS.iter().any(|caller| outer.starts_with(*caller))
}

/// Handlers of net/http that only choose or call another one.
const DISPATCHERS: [&str; 4] = [
    "net/http.serverHandler.ServeHTTP",
    "net/http.HandlerFunc.ServeHTTP",
    "net/http.(*ServeMux).ServeHTTP",
    "net/http.initALPNRequest.ServeHTTP",
];

/// Returns whether a function is the method of a handler that does not only call another one.
fn serves(function: &str) -> bool {
    function.ends_with(".ServeHTTP") && !DISPATCHERS.contains(&function)
}

/// Returns whether a function is the handler that a function of net/http wraps around another one. It has the name of
/// its caller if that function was inlined.
fn is_wrapper(function: &str) -> bool {
    let wrappers = [
        ".StripPrefix.func",
        ".MaxBytesHandler.func",
        ".AllowQuerySemicolons.func",
    ];
    wrappers.iter().any(|name| function.contains(name))
}

/// Returns whether a function of the standard library is a handler, such as one of profiles.
fn is_standard_handler(outer: &str, function: &str) -> bool {
    outer == "net/http.HandlerFunc.ServeHTTP" && !function.starts_with("net/http.")
}

/// Returns whether gRPC's compiler generated a function that decodes a request and calls its method.
fn is_generated(function: &str) -> bool {
    let name = function.rsplit('.').next().unwrap_or_default();
    name.starts_with('_') && name.ends_with("_Handler")
}

impl Role {
    /// Classifies a stack given its functions, the innermost first.
    /// `group` returns the number of a handler.
    pub(super) fn of(innermost_first: &[&str], group: impl FnOnce(&str) -> usize) -> Self {
        let Some((&root, callees)) = innermost_first.split_last() else {
            return Self::None;
        };
        if root != CONNECTION && !is_stream(root) && !is_worker(root) {
            return Self::None;
        }
        if is_worker(root) && callees.iter().all(|f| f.starts_with("runtime.")) {
            return Self::Idle;
        }
        if innermost_first.iter().any(|f| ASIDE.contains(f)) {
            return Self::Aside;
        }
        let (mut handler, mut depth) = ("", 0_u8);
        let mut part = Self::Connection;
        let mut outer = "";
        for &function in innermost_first.iter().rev() {
            if calls_handler(outer, function) {
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
            GRPC,
        ];
        assert_eq!(
            role(&grpc),
            (one, "example.com/pb._Greeter_SayHello_Handler".into())
        );
    }

    const GRPC: &str = "google.golang.org/grpc.(*Server).serveStreams.func2.1";

    #[test]
    fn interceptors_and_routers_are_no_handlers() {
        let streaming = "google.golang.org/grpc.(*Server).processStreamingRPC";
        for (stack, handler) in [
            // A stream's interceptor calls the handler.
            (
                &[
                    "example.com/pb._Greeter_Chat_Handler",
                    "google.golang.org/grpc.chainStreamInterceptors.func1",
                    "main.logged",
                    streaming,
                    GRPC,
                ][..],
                "example.com/pb._Greeter_Chat_Handler",
            ),
            // A service without generated code.
            (&["main.chat", streaming, GRPC], "main.chat"),
            (
                &[
                    "main.checkout",
                    "github.com/gin-gonic/gin.(*Context).Next",
                    "github.com/gin-gonic/gin.LoggerWithConfig.func1",
                    "github.com/gin-gonic/gin.(*Context).Next",
                    "github.com/gin-gonic/gin.(*Engine).ServeHTTP",
                    "net/http.serverHandler.ServeHTTP",
                    CONNECTION,
                ],
                "main.checkout",
            ),
            (
                &[
                    "github.com/go-playground/validator/v10.(*Validate).Struct",
                    "github.com/gin-gonic/gin/binding.validate",
                    "main.checkout",
                    "github.com/labstack/echo/v4.(*Echo).add.func1",
                    "github.com/labstack/echo/v4.(*Echo).ServeHTTP",
                    "net/http.serverHandler.ServeHTTP",
                    CONNECTION,
                ],
                "main.checkout",
            ),
        ] {
            let (part, name) = role(stack);
            assert!(matches!(part, Role::Handles(_)), "{stack:?}");
            assert_eq!(name, handler);
        }
        // Handlers of the standard library.
        for (function, is) in [
            ("net/http.(*fileHandler).ServeHTTP", true),
            ("net/http/httputil.(*ReverseProxy).ServeHTTP", true),
            ("net/http/pprof.Index", true),
            ("net/http.(*ServeMux).ServeHTTP", false),
            ("net/http.StripPrefix.func1", false),
        ] {
            let stack = [function, "net/http.HandlerFunc.ServeHTTP", CONNECTION];
            assert_eq!(role(&stack).1 == function, is, "{function}");
        }
        let prefix = [
            "main.(*api).ServeHTTP",
            "net/http.StripPrefix.func1",
            CONNECTION,
        ];
        assert_eq!(role(&prefix).1, "main.(*api).ServeHTTP");
        let mux = ["sync.(*RWMutex).RLock", "net/http.(*ServeMux).ServeHTTP"];
        assert_eq!(role(&[&mux[..], &[CONNECTION]].concat()).1, "");
        let h2c = "golang.org/x/net/http2/h2c.h2cHandler.ServeHTTP";
        for aside in ASIDE {
            let stack = [aside, h2c, "net/http.serverHandler.ServeHTTP", CONNECTION];
            assert_eq!(role(&stack).0, Role::Aside);
        }
        let waits = ["runtime.gopark", "runtime.chanrecv2", WORKER];
        assert_eq!(role(&waits).0, Role::Idle);
        let works = ["runtime.chanrecv2", "main.chat", streaming, WORKER];
        assert_eq!(role(&works).1, "main.chat");
        // gRPC itself reads the request.
        let reads = ["google.golang.org/grpc.recvAndDecompress", streaming, GRPC];
        assert_eq!(role(&reads).0, Role::Connection);
    }
}
