//! Packages of the standard library.
//!
//! The path of a module may begin like a standard package (`log/demo`), so packages with several path elements are
//! listed.

/// First path elements of standard packages.
const STANDARD: [&str; 51] = [
    "archive",
    "arena",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "uuid",
    "weak",
];

/// Standard packages with several path elements, of Go 1.11 to 1.27.
const PACKAGES: [&str; 139] = [
    "archive/tar",
    "archive/zip",
    "compress/bzip2",
    "compress/flate",
    "compress/gzip",
    "compress/lzw",
    "compress/zlib",
    "container/heap",
    "container/list",
    "container/ring",
    "crypto/aes",
    "crypto/cipher",
    "crypto/des",
    "crypto/dsa",
    "crypto/ecdh",
    "crypto/ecdsa",
    "crypto/ed25519",
    "crypto/elliptic",
    "crypto/fips140",
    "crypto/hkdf",
    "crypto/hmac",
    "crypto/hpke",
    "crypto/md5",
    "crypto/mldsa",
    "crypto/mlkem",
    "crypto/mlkem/mlkemtest",
    "crypto/pbkdf2",
    "crypto/rand",
    "crypto/rc4",
    "crypto/rsa",
    "crypto/sha1",
    "crypto/sha256",
    "crypto/sha3",
    "crypto/sha512",
    "crypto/subtle",
    "crypto/tls",
    "crypto/x509",
    "crypto/x509/pkix",
    "database/sql",
    "database/sql/driver",
    "debug/buildinfo",
    "debug/dwarf",
    "debug/elf",
    "debug/gosym",
    "debug/macho",
    "debug/pe",
    "debug/plan9obj",
    "encoding/ascii85",
    "encoding/asn1",
    "encoding/base32",
    "encoding/base64",
    "encoding/binary",
    "encoding/csv",
    "encoding/gob",
    "encoding/hex",
    "encoding/json",
    "encoding/json/jsontext",
    "encoding/json/v2",
    "encoding/pem",
    "encoding/xml",
    "go/ast",
    "go/build",
    "go/build/constraint",
    "go/constant",
    "go/doc",
    "go/doc/comment",
    "go/format",
    "go/importer",
    "go/parser",
    "go/printer",
    "go/scanner",
    "go/token",
    "go/types",
    "go/version",
    "hash/adler32",
    "hash/crc32",
    "hash/crc64",
    "hash/fnv",
    "hash/maphash",
    "html/template",
    "image/color",
    "image/color/palette",
    "image/draw",
    "image/gif",
    "image/jpeg",
    "image/png",
    "index/suffixarray",
    "io/fs",
    "io/ioutil",
    "log/slog",
    "log/syslog",
    "math/big",
    "math/bits",
    "math/cmplx",
    "math/rand",
    "math/rand/v2",
    "mime/multipart",
    "mime/quotedprintable",
    "net/http",
    "net/http/cgi",
    "net/http/cookiejar",
    "net/http/fcgi",
    "net/http/httptest",
    "net/http/httptrace",
    "net/http/httputil",
    "net/http/pprof",
    "net/mail",
    "net/netip",
    "net/rpc",
    "net/rpc/jsonrpc",
    "net/smtp",
    "net/textproto",
    "net/url",
    "os/exec",
    "os/signal",
    "os/user",
    "path/filepath",
    "regexp/syntax",
    "runtime/cgo",
    "runtime/coverage",
    "runtime/debug",
    "runtime/metrics",
    "runtime/pprof",
    "runtime/race",
    "runtime/trace",
    "sync/atomic",
    "testing/cryptotest",
    "testing/fstest",
    "testing/iotest",
    "testing/quick",
    "testing/slogtest",
    "testing/synctest",
    "text/scanner",
    "text/tabwriter",
    "text/template",
    "text/template/parse",
    "time/tzdata",
    "unicode/utf16",
    "unicode/utf8",
];

/// Whether a function belongs to the standard library.
pub fn is_standard(function: &str) -> bool {
    let package = package(function);
    let first = package.split('/').next().unwrap_or_default();
    if package.is_empty() || matches!(first, "vendor" | "internal" | "type:" | "_cgo") {
        return true;
    }
    if !STANDARD.contains(&first) {
        return false;
    }
    // An internal package belongs to its parent.
    let above = package
        .find("/internal")
        .map_or(package, |at| &package[..at]);
    !above.contains('/') || PACKAGES.binary_search(&above).is_ok()
}

/// Path of a function's package.
fn package(function: &str) -> &str {
    // Receivers and type arguments may contain dots and slashes.
    let end = function.find(['(', '[']).unwrap_or(function.len());
    let path = &function[..end];
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    match path[name..].find('.') {
        Some(dot) => &path[..name + dot],
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_is_told_from_modules() {
        for std in [
            "net/http.(*conn).serve",
            "fmt.Println",
            "vendor/golang.org/x/net/http2/hpack.x",
            "net/http/internal/chunked.x",
            "math/rand/v2.IntN",
            "log/slog.(*Logger).Info",
            "",
            "slices.SortFunc[go.shape.struct { a/b.C }]",
        ] {
            assert!(is_standard(std), "{std}");
        }
        for own in [
            "main.main",
            "log/demo/worker.Process",
            "log/demo/internal/worker.Process",
            "net/foo.(*T[net/http.X]).F",
            "go.uber.org/zap.New",
            "github.com/a/b.F",
            "corpus/workloads.X",
            "net.example/x.Y",
        ] {
            assert!(!is_standard(own), "{own}");
        }
    }

    #[test]
    fn the_list_of_packages_is_sorted() {
        assert!(PACKAGES.is_sorted());
    }
}
