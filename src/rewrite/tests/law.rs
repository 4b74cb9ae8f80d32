//! A request that is sent to Azure differs from the client's where the table of operations says, and nowhere else.

use http::header::CONTENT_LENGTH;
use proptest::prelude::*;

use super::*;
use crate::rewrite::operation::{Home, ModelIn, Operation, TABLE};

/// The rows whose requests are sent on under the names that they have.
fn sent_rows() -> Vec<&'static Operation> {
    let is_sent =
        |row: &&Operation| !matches!(row.home, Home::Local | Home::Unsupported) && row.model != ModelIn::Path;
    TABLE.iter().filter(is_sent).collect()
}

/// Content in the form of the row, with the model as JSON writes it.
fn content(row: &Operation, model: &str, before: &str, after: &str) -> String {
    let named = format!(r#"{{ {before}"model" : {model}{after} }}"#);
    if row.model == ModelIn::Session { format!(r#"{{{before}"session":{named} }}"#) } else { named }
}

proptest! {
    #[test]
    fn all_else_is_as_the_client_wrote_it(
        row in prop::sample::select(sent_rows()),
        surface in prop::sample::select(vec!["v1", "preview", "2024-10-21"]),
        more in prop::collection::vec(("x-[a-z]{1,3}", "[!-~]([ -~]{0,9}[!-~])?"), 0..6),
        query in "([a-z0-9.%+-]{0,3}=[A-Z0-9.%+/-]{0,3}&?){0,3}",
        (model, deployment) in prop::sample::select(vec![("gpt-4o", "prod-4o"), ("own", "own")]),
        before in prop::sample::select(vec!["", r#""n":1.0e+2, "#, r#""a" : {"model":"gpt-4o"},"#, "\"\u{fc}\\u00fc\":null,\n"]),
        after in prop::sample::select(vec!["", r#", "tools":[{"type":"image_generation","model":"gpt-4o"}]"#, ",\t\"store\":false"]),
        size in 1..40_usize,
    ) {
        let path = format!("/v1/{}", row.template.replace("{*}", "a/b%20c").replace("{}", "an%2fid"));
        let model_query = (row.model == ModelIn::Query).then(|| format!("model={model}"));
        let asked = [model_query.unwrap_or_default(), query].join("&");
        let asked = asked.trim_matches('&');
        let line = format!("{} {path}?{asked}", row.methods[0]);
        let content_of = |model: &str| content(row, &format!("\"{model}\""), before, after);
        let (said, mapped) = (content_of(model), matches!(row.model, ModelIn::Content | ModelIn::Session));
        let length = said.len().to_string();
        let mut request = Request::new(&line, &[
            ("authorization", "Bearer client"),
            ("content-type", "application/json"),
            ("content-length", &length),
            ("user-agent", "a client"),
        ]);
        for (name, value) in &more {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.fields.append(name, HeaderValue::from_str(value).unwrap());
        }
        let settings = settings(surface);
        let (sent, heard) = request.send(&settings, said.as_bytes(), size).unwrap();

        let expected = if mapped { content_of(deployment) } else { said.clone() };
        prop_assert_eq!(String::from_utf8_lossy(&heard), expected.as_str());

        let mut fields = request.fields.clone();
        fields.remove("authorization");
        fields.append(http::HeaderName::from_static("api-key"), HeaderValue::from_static("ours"));
        fields.append(http::header::HOST, HeaderValue::from_static("r.openai.azure.com"));
        fields.insert(CONTENT_LENGTH, HeaderValue::from(expected.len()));
        // In this order, too.
        prop_assert_eq!(sent.fields(), &fields);

        let uri = sent.route().uri();
        prop_assert!(uri.path().starts_with("/openai/") && uri.path().ends_with(&path["/v1".len()..]), "{}", uri);
        let own = |pair: &&str| !pair.starts_with("api-version=");
        let kept: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(own).collect();
        let wanted = if row.model == ModelIn::Query { asked.replacen(model, deployment, 1) } else { asked.into() };
        prop_assert_eq!(kept.join("&"), wanted);
    }
}
