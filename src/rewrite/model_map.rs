//! Which Azure deployment answers for which model.

use std::borrow::Cow;
use std::str::FromStr;

use thiserror::Error;

/// Deployment names could not hold a dot until 2024, so these two are what most resources have.
const BUILT_IN: [(&str, &str); 2] =
    [("gpt-3.5-turbo", "gpt-35-turbo"), ("gpt-3.5-turbo-0301", "gpt-35-turbo-0301")];

/// An ordered map from model to deployment. What is not in it is its own deployment name.
///
/// The operator's entries win over the two built-in ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelMap {
    entries: Vec<(Box<str>, Box<str>)>,
    strip_dots: bool,
}

/// Why an entry cannot be taken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ModelMapError {
    /// No `=` in it.
    #[error("expected MODEL=DEPLOYMENT, found \"{entry}\"")]
    NoEquals {
        /// The entry as written.
        entry: String,
    },
    /// Nothing on one side of the `=`.
    #[error("the model and the deployment must both be named in \"{entry}\"")]
    EmptySide {
        /// The entry as written.
        entry: String,
    },
    /// A control character, or a deployment `.` or `..` that no URL can carry.
    #[error("\"{}\" cannot name a model or a deployment", name.escape_default())]
    Unusable {
        /// The name as written.
        name: String,
    },
    /// What no name has: another separator between entries, quotes around them, or a pattern.
    #[error("\"{name}\" cannot be a name: entries are separated by commas; there are no wildcards")]
    Punctuation {
        /// The name as written.
        name: String,
    },
    /// The model has an entry already.
    #[error("the model \"{model}\" is mapped more than once")]
    Repeated {
        /// The model.
        model: String,
    },
}

// === impl ModelMap ===

impl ModelMap {
    /// Adds an entry behind the others.
    pub fn insert(&mut self, model: &str, deployment: &str) -> Result<(), ModelMapError> {
        let (model, deployment) = (model.trim(), deployment.trim());
        if model.is_empty() || deployment.is_empty() {
            return Err(ModelMapError::EmptySide { entry: format!("{model}={deployment}") });
        }
        if let Some(name) = [model, deployment].into_iter().find(|name| name.contains(char::is_control)) {
            return Err(ModelMapError::Unusable { name: name.into() });
        }
        let no_name = |name: &&str| name.contains([';', '|', '"', '\'', '*', '=']);
        if let Some(name) = [model, deployment].into_iter().find(no_name) {
            return Err(ModelMapError::Punctuation { name: name.into() });
        }
        if matches!(deployment, "." | "..") {
            return Err(ModelMapError::Unusable { name: deployment.into() });
        }
        if self.entries.iter().any(|(known, _)| **known == *model) {
            return Err(ModelMapError::Repeated { model: model.into() });
        }
        self.entries.push((model.into(), deployment.into()));
        Ok(())
    }

    /// Takes the dots and colons out of models that are not in the map, as was done when deployments could
    /// not have them. Today's can: `gpt-4.1` would be asked for as `gpt-41`.
    pub fn strip_dots(&mut self) {
        self.strip_dots = true;
    }

    /// The deployment that answers for a model.
    pub fn deployment<'a>(&'a self, model: &'a str) -> Cow<'a, str> {
        match self.effective().find(|&(known, _)| known == model) {
            Some((_, deployment)) => Cow::Borrowed(deployment),
            None if self.strip_dots && model.contains(['.', ':']) => model.replace(['.', ':'], "").into(),
            None => Cow::Borrowed(model),
        }
    }

    /// Whether it has an entry for a model.
    pub fn names(&self, model: &str) -> bool {
        self.effective().any(|(known, _)| known == model)
    }

    /// Whether every model is its own deployment name.
    pub fn is_identity(&self) -> bool {
        !self.strip_dots && self.effective().all(|(model, _)| self.deployment(model) == model)
    }

    /// The models to show to clients, in order: the operator's, or the built-in ones if there are none.
    pub fn listed(&self) -> impl Iterator<Item = &str> {
        let built_in = if self.entries.is_empty() { &BUILT_IN[..] } else { &[] };
        self.entries.iter().map(|(model, _)| &**model).chain(built_in.iter().map(|&(model, _)| model))
    }

    /// The operator's entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(model, deployment)| (&**model, &**deployment))
    }

    fn effective(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries().chain(BUILT_IN)
    }
}

impl FromStr for ModelMap {
    type Err = ModelMapError;

    /// Reads `model=deployment,model=deployment`; white space around names and empty entries are skipped.
    fn from_str(list: &str) -> Result<Self, ModelMapError> {
        let mut map = Self::default();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (model, deployment) =
                entry.split_once('=').ok_or_else(|| ModelMapError::NoEquals { entry: entry.into() })?;
            map.insert(model, deployment)?;
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_the_operators_entries_then_the_built_in_ones_then_nothing() {
        let map: ModelMap = " gpt-4o = prod-4o ,gpt-3.5-turbo=mine,".parse().unwrap();
        for (model, deployment) in [
            ("gpt-4o", "prod-4o"),
            ("gpt-3.5-turbo", "mine"),
            ("gpt-3.5-turbo-0301", "gpt-35-turbo-0301"),
            ("gpt-4.1", "gpt-4.1"),
            ("GPT-4o", "GPT-4o"),
        ] {
            assert_eq!(map.deployment(model), deployment, "{model}");
        }
        assert_eq!(map.listed().collect::<Vec<_>>(), ["gpt-4o", "gpt-3.5-turbo"]);
        assert_eq!(ModelMap::default().listed().collect::<Vec<_>>(), ["gpt-3.5-turbo", "gpt-3.5-turbo-0301"]);
    }

    #[test]
    fn names_the_entry_that_it_cannot_take() {
        for (list, message) in [
            ("a=b,c", "expected MODEL=DEPLOYMENT, found \"c\""),
            ("a=", "the model and the deployment must both be named in \"a=\""),
            (" =b", "the model and the deployment must both be named in \"=b\""),
            ("a=b,a=b", "the model \"a\" is mapped more than once"),
            ("a=b\tc", "\"b\\tc\" cannot name a model or a deployment"),
            ("a=..", "\"..\" cannot name a model or a deployment"),
        ] {
            assert_eq!(list.parse::<ModelMap>().unwrap_err().to_string(), message);
        }
        for (list, name) in [
            ("a=b=c", "b=c"),
            ("a=b;c=d", "b;c=d"),
            ("a=b|c=d", "b|c=d"),
            ("\"a\"=b", "\"a\""),
            ("a='b'", "'b'"),
            ("gpt-*=b", "gpt-*"),
        ] {
            let error = ModelMapError::Punctuation { name: name.into() };
            assert_eq!(list.parse::<ModelMap>(), Err(error), "{list}");
        }
        assert_eq!("a b=c d".parse::<ModelMap>().unwrap().deployment("a b"), "c d");
    }

    #[test]
    fn strips_dots_and_colons_of_unmapped_models_when_asked_to() {
        let mut map: ModelMap = "gpt-4.1=gpt-4.1-eu".parse().unwrap();
        map.strip_dots();
        for (model, deployment) in [
            ("gpt-4.1", "gpt-4.1-eu"),
            ("gpt-4.5", "gpt-45"),
            ("ft:gpt-3.5-turbo:acme::abc", "ftgpt-35-turboacmeabc"),
            ("gpt-4o", "gpt-4o"),
        ] {
            assert_eq!(map.deployment(model), deployment);
        }
        let mut undone: ModelMap =
            "gpt-3.5-turbo=gpt-3.5-turbo,gpt-3.5-turbo-0301=gpt-3.5-turbo-0301".parse().unwrap();
        assert!(undone.is_identity());
        undone.strip_dots();
        assert!(!undone.is_identity());
    }

    #[test]
    fn is_the_identity_only_if_the_built_in_entries_are_overridden() {
        assert!(!ModelMap::default().is_identity());
        let undone = "gpt-3.5-turbo=gpt-3.5-turbo,gpt-3.5-turbo-0301=gpt-3.5-turbo-0301";
        assert!(undone.parse::<ModelMap>().unwrap().is_identity());
        assert!(!format!("{undone},a=b").parse::<ModelMap>().unwrap().is_identity());
    }
}
