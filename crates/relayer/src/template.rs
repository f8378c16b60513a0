//! The explained configuration that `nanozk relayer init` writes.

use crate::config::EXAMPLE;
use crate::error::Error;
use std::path::Path;
use toml::Value;

/// Every setting with its explanation; what is known already is filled in.
#[derive(Clone, Debug)]
pub struct Template(String);

impl Default for Template {
    fn default() -> Self {
        Self(EXAMPLE.to_owned())
    }
}

impl Template {
    /// JSON-RPC addresses, the preferred one first.
    pub fn nodes(&mut self, addresses: &[String]) -> Result<(), Error> {
        let addresses: Vec<Value> = addresses.iter().cloned().map(Value::String).collect();
        self.assign("", "rpc", &addresses.into())
    }

    /// File that `nanozk deploy` wrote.
    pub fn deployment(&mut self, file: &Path) -> Result<(), Error> {
        self.assign("", "deployment", &path(file)?)
    }

    /// The sending account's key, as a plain file.
    pub fn key_file(&mut self, file: &Path) -> Result<(), Error> {
        self.assign(SIGNER, "kind", &"file".into())?;
        self.assign(SIGNER, "file", &path(file)?)?;
        // No setting of this kind of key.
        let (start, end) = self.value(SIGNER, "password_file")?;
        let line = start - "password_file = ".len();
        self.0.replace_range(line..=end, "");
        Ok(())
    }

    /// The sending account's key, encrypted.
    pub fn keystore(&mut self, file: &Path, password: &Path) -> Result<(), Error> {
        self.assign(SIGNER, "kind", &"keystore".into())?;
        self.assign(SIGNER, "file", &path(file)?)?;
        self.assign(SIGNER, "password_file", &path(password)?)
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.0
    }

    fn assign(&mut self, section: &str, name: &str, value: &Value) -> Result<(), Error> {
        let (start, end) = self.value(section, name)?;
        self.0.replace_range(start..end, &value.to_string());
        Ok(())
    }

    /// Where the value of the first `name` after `section` is.
    fn value(&self, section: &str, name: &str) -> Result<(usize, usize), Error> {
        let line = format!("\n{name} = ");
        let absent = || Error::Config(format!("the template assigns no {section} {name}"));
        let from = self.0.find(&format!("\n{section}")).ok_or_else(absent)?;
        let at = self.0[from..].find(&line).ok_or_else(absent)?;
        let start = from + at + line.len();
        let end = self.0[start..]
            .find('\n')
            .map_or(self.0.len(), |n| start + n);
        Ok((start, end))
    }
}

const SIGNER: &str = "[signer]";

/// Absolute: a relative path in a configuration is relative to its own directory.
fn path(file: &Path) -> Result<Value, Error> {
    let absolute = std::path::absolute(file).map_err(|e| {
        Error::Config(format!(
            "cannot find the directory of {}: {e}",
            file.display()
        ))
    })?;
    match absolute.to_str() {
        Some(text) => Ok(text.into()),
        None => Err(Error::Config(format!(
            "{} is not UTF-8, which a configuration has to be",
            absolute.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(template: &Template) -> toml::Table {
        template.text().parse().unwrap()
    }

    #[test]
    fn what_is_known_is_filled_in_and_the_rest_stays() {
        let untouched = Template::default();
        let mut template = untouched.clone();
        let nodes = ["http://a:1".to_owned(), "http://b/\"quoted\"".to_owned()];
        template.nodes(&nodes).unwrap();
        template.deployment(Path::new("/d/1.json")).unwrap();
        template.key_file(Path::new("/keys/a.key")).unwrap();
        let table = parsed(&template);
        assert_eq!(table["rpc"][0].as_str(), Some("http://a:1"));
        assert_eq!(table["rpc"][1].as_str(), Some("http://b/\"quoted\""));
        assert_eq!(table["deployment"].as_str(), Some("/d/1.json"));
        let signer = table["signer"].as_table().unwrap();
        assert_eq!(signer["kind"].as_str(), Some("file"));
        assert_eq!(signer["file"].as_str(), Some("/keys/a.key"));
        assert!(!signer.contains_key("password_file"));
        let rest = |t: &Template| {
            let mut table = parsed(t);
            for name in ["rpc", "deployment", "signer"] {
                table.remove(name).unwrap();
            }
            table
        };
        assert_eq!(rest(&template), rest(&untouched));
        // Explanations are still there.
        let lines = |t: &Template| t.text().lines().filter(|l| l.starts_with('#')).count();
        assert_eq!(lines(&template), lines(&untouched));
    }

    #[test]
    fn a_keystore_comes_with_its_password() {
        let mut template = Template::default();
        template
            .keystore(Path::new("/k.json"), Path::new("/password"))
            .unwrap();
        let signer = parsed(&template)["signer"].clone();
        assert_eq!(signer["kind"].as_str(), Some("keystore"));
        assert_eq!(signer["file"].as_str(), Some("/k.json"));
        assert_eq!(signer["password_file"].as_str(), Some("/password"));
    }

    #[test]
    fn relative_paths_become_absolute() {
        let mut template = Template::default();
        template.deployment(Path::new("d.json")).unwrap();
        let table = parsed(&template);
        let text = table["deployment"].as_str().unwrap();
        assert!(Path::new(text).is_absolute(), "{text}");
    }
}
