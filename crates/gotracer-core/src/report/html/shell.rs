//! Frame of every page: style, script, theme, and content security policy.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::text;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Icon: three bars of a timeline.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Crect y='2' width='16' height='3' fill='%230b57a4'/%3E%3Crect y='7' x='4' width='8' height='3' fill='%23b3261e'/%3E\
    %3Crect y='12' x='2' width='12' height='3' fill='%231a6e2e'/%3E%3C/svg%3E";

/// Hash of the script. Text that becomes markup by mistake still cannot run.
static HASH: LazyLock<String> = LazyLock::new(|| BASE64_STANDARD.encode(Sha256::digest(SCRIPT)));

/// Network access of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    /// None: the page is a file.
    None,
    /// Access to the server of the page.
    Server,
}

/// Returns the Content-Security-Policy of a page: only its own script, style and icon.
pub fn policy(network: Network) -> String {
    let connect = match network {
        Network::None => "",
        Network::Server => " connect-src 'self';",
    };
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; img-src data:;{connect} \
         base-uri 'none'; form-action 'none'",
        *HASH
    )
}

/// Renders a whole page.
pub fn page(title: &str, body: &Markup, network: Network) -> String {
    let page = html! {
        (PreEscaped("<!doctype html>"))
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (text(title)) " · gotracer" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy(network));
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                footer { "gotracer " (env!("CARGO_PKG_VERSION")) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// Renders the head of a page: navigation, title, theme and verdict.
pub fn header(nav: Option<&Markup>, title: &str, below: &Markup) -> Markup {
    html! {
        a class="skip" href="#main" { "Skip to the content" }
        header {
            @if let Some(nav) = nav {
                nav { (nav) }
            }
            h1 { (text(title)) }
            button type="button" id="theme" hidden { "Dark" }
            (below)
        }
    }
}

/// Wraps a table that may be wider than the page, so that the table scrolls and not the page.
pub fn wide(label: &str, content: &Markup) -> Markup {
    html! {
        div class="wide" tabindex="0" role="group" aria-label={ (label) ", can be scrolled" } { (content) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_script_of_the_page() {
        let page = page("<a&b>", &html! { p { "x" } }, Network::Server);
        let (_, script) = page.split_once("<script>").unwrap();
        let script = script.split_once("</script>").unwrap().0;
        let hash = BASE64_STANDARD.encode(Sha256::digest(script));
        for network in [Network::None, Network::Server] {
            assert!(policy(network).contains(&hash));
        }
        assert!(!policy(Network::None).contains("connect-src"));
        assert!(page.contains("<title>&lt;a&amp;b&gt; · gotracer</title>"));
    }
}
