//! The page for people: what goes where, how to use it, and what happens as it happens.

use http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, VARY, X_FRAME_OPTIONS,
};

use super::snippets::{self, Shell};
use super::{Admin, answer};
use crate::message::Response;
use crate::message::body::Body;
use crate::message::host_port::HostPort;

const TEMPLATE: &str = include_str!("page/index.html");

/// What the page is made of besides itself: path, media type, content.
const PARTS: &[(&str, &str, &str)] = &[
    ("/page/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/page/page.js", "text/javascript; charset=utf-8", include_str!("page/page.js")),
    ("/page/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
];

/// Nothing but the page's own parts; no frame around it, no script that was not served with it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);

/// The page.
pub(super) fn page(admin: &Admin, authority: &HostPort) -> Response<Body> {
    let mut response = answer("text/html; charset=utf-8", html(admin, authority));
    let fields = &mut response.head.fields;
    fields.insert(CONTENT_SECURITY_POLICY, POLICY);
    fields.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    fields.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    // Others get the overview in plain text.
    fields.insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// A part of the page, if the path names one.
pub(super) fn part(path: &str) -> Option<Response<Body>> {
    let (_, media_type, content) = PARTS.iter().find(|(name, ..)| *name == path)?;
    Some(answer(media_type, *content))
}

fn html(admin: &Admin, authority: &HostPort) -> String {
    let authority = authority.to_string();
    let mut page = String::with_capacity(2 * TEMPLATE.len());
    for piece in TEMPLATE.split("{{") {
        // The first piece ends no placeholder.
        let (name, text) = piece.split_once("}}").unwrap_or(("", piece));
        page.push_str(&value(name, admin, &authority));
        page.push_str(text);
    }
    page
}

/// What stands for a placeholder of the template, as markup.
fn value(name: &str, admin: &Admin, authority: &str) -> String {
    match name {
        "" => String::new(),
        "version" => escaped(super::VERSION),
        "authority" => escaped(authority),
        "intercepted" => escaped(&admin.intercepted.join(", ")),
        "destination" => escaped(&admin.destination),
        "fingerprint" => escaped(&admin.authority.fingerprint()),
        "permitted" => escaped(&admin.authority.permitted().join(", ")),
        "check" => escaped(&super::check(admin)),
        "expiry" => escaped(&admin.authority.not_after().date().to_string()),
        "models" => models(&admin.models),
        "shells" => Shell::ALL.iter().map(|&shell| choice(shell)).collect(),
        "snippets" => Shell::ALL.iter().map(|&shell| panel(shell, admin, authority)).collect(),
        "try" => escaped(&format!("curl http://{authority}/v1/models")),
        other => unreachable!("the template has a placeholder {other}, which nothing fills"),
    }
}

fn models(map: &[(String, String)]) -> String {
    let item = |(model, deployment): &(String, String)| {
        format!("<li>{} <span>→</span> {}</li>", escaped(model), escaped(deployment))
    };
    match map {
        [] => String::new(),
        map => format!(
            "<ul class=\"models\" aria-label=\"Models and their deployments\">{}</ul>",
            map.iter().map(item).collect::<String>()
        ),
    }
}

fn choice(shell: Shell) -> String {
    let checked = if shell == Shell::Sh { " checked" } else { "" };
    let (id, label) = (shell.id(), shell.label());
    format!("<label><input type=\"radio\" name=\"shell\" id=\"{id}\"{checked}>{label}</label>")
}

fn panel(shell: Shell, admin: &Admin, authority: &str) -> String {
    let proxy = snippets::as_proxy(shell, &admin.flags, admin.holds_key);
    let one = snippets::for_one(shell, &admin.flags);
    let base_url = snippets::as_base_url(shell, authority, admin.holds_key);
    format!(
        "<div class=\"snippets for-{}\">{}{}{}</div>",
        shell.id(),
        snippet("Through the proxy: every tool of this shell", &proxy),
        snippet("Through the proxy: one tool", &one),
        snippet("By base URL: no certificate needed", &base_url),
    )
}

fn snippet(title: &str, text: &str) -> String {
    format!(
        "<div class=\"snippet\"><h3>{title}<button type=\"button\" hidden aria-label=\"Copy: {title}\">Copy</button></h3>\
         <pre tabindex=\"0\">{}</pre></div>",
        escaped(text.trim_end())
    )
}

/// Text as markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing;

    #[test]
    fn every_placeholder_is_filled_and_no_text_becomes_markup() {
        let admin = Admin {
            destination: "<script>alert(1)</script>".into(),
            models: vec![("a\"<b>".into(), "c&d".into())],
            ..testing::admin()
        };
        let page = html(&admin, &HostPort::parse("127.0.0.1:8080", None).unwrap());
        assert!(!page.contains("{{") && !page.contains("}}"));
        assert_eq!(page.matches("<script").count(), 1, "the page's own");
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        assert!(page.contains("<li>a&quot;&lt;b&gt; <span>→</span> c&amp;d</li>"));
        assert!(page.contains("eval &quot;$(azure-openai-proxy env --listen 127.0.0.1:81)&quot;\n"));
    }

    #[test]
    fn no_script_of_others_runs_on_it_and_no_frame_is_around_it() {
        let response = page(&testing::admin(), &HostPort::parse("127.0.0.1:8080", None).unwrap());
        let field = |name: &str| response.head.fields.text(name).unwrap();
        let policy: Vec<_> = field("content-security-policy").split("; ").collect();
        for directive in
            ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"]
        {
            assert!(policy.contains(&directive), "{policy:?}");
        }
        assert!(!policy.iter().any(|directive| directive.contains("unsafe") || directive.contains('*')));
        assert_eq!((field("x-frame-options"), field("referrer-policy")), ("DENY", "no-referrer"));
        assert!(!response.head.fields.contains("set-cookie"));
    }

    #[test]
    fn the_page_asks_for_its_own_parts_and_for_nothing_else() {
        let mut asked: Vec<&str> =
            TEMPLATE.split(['"', '\'']).filter(|text| text.starts_with("/page/")).collect();
        asked.sort_unstable();
        asked.dedup();
        let mut served: Vec<&str> = PARTS.iter().map(|(path, ..)| *path).collect();
        served.sort_unstable();
        assert_eq!(asked, served);
        for (path, _, content) in PARTS {
            assert!(part(path).is_some());
            // Names of XML namespaces are no addresses.
            let content = content.replace("http://www.w3.org/2000/svg", "");
            assert!(!content.contains("://") && !content.contains("style="), "{path}");
        }
        assert!(
            !TEMPLATE.contains("https://") && !TEMPLATE.contains("style=") && !TEMPLATE.contains("onclick")
        );
    }
}
