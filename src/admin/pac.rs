//! The file that tells browsers and desktops which hosts to ask the proxy for: the intercepted ones and no others.

use serde_json::json;

/// The media type that all who read such a file know.
pub(super) const MEDIA_TYPE: &str = "application/x-ns-proxy-autoconfig";

/// The file, for a proxy at `authority`.
///
/// An intercepted host is never asked directly: that would take a tool's request to OpenAI itself.
pub(super) fn file(intercepted: &[String], authority: &str) -> String {
    let (hosts, proxy) = (json!(intercepted), json!(format!("PROXY {authority}")));
    format!(
        "function FindProxyForURL(url, host) {{\n\
         \x20 var intercepted = {hosts};\n\
         \x20 host = host.toLowerCase();\n\
         \x20 for (var i = 0; i < intercepted.length; i++) {{\n\
         \x20   if (host === intercepted[i]) return {proxy};\n\
         \x20 }}\n\
         \x20 return \"DIRECT\";\n\
         }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_host_and_the_proxy() {
        let file = file(&["api.openai.com".into(), "eu.api.openai.com".into()], "127.0.0.1:8080");
        for part in [
            "function FindProxyForURL(url, host)",
            r#"["api.openai.com","eu.api.openai.com"]"#,
            r#"return "PROXY 127.0.0.1:8080";"#,
            r#"return "DIRECT";"#,
        ] {
            assert!(file.contains(part), "{part} in\n{file}");
        }
    }
}
