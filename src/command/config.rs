//! `andon config`: what is in force and where it came from, the schema, the files, an example.

use std::fmt::Write as _;
use std::process::ExitCode;

use color_eyre::eyre::Result;

use super::cli::{Common, ConfigWhat};
use super::{USAGE, gather, out};
use crate::config::{Places, explained, schema};

const EXAMPLE: &str = include_str!("../../assets/andon.example.toml");

pub fn run(common: &Common, what: Option<&ConfigWhat>) -> Result<ExitCode> {
    match what {
        None => effective(common),
        Some(ConfigWhat::Schema) => {
            print(&format!("{}\n", serde_json::to_string_pretty(&schema())?))
        }
        Some(ConfigWhat::Example) => print(EXAMPLE),
        Some(ConfigWhat::Path) => print(&paths(&gather::places(common))),
    }
}

fn print(text: &str) -> Result<ExitCode> {
    out::data(text)?;
    Ok(ExitCode::SUCCESS)
}

fn paths(places: &Places) -> String {
    places.files().iter().fold(String::new(), |mut text, (file, _)| {
        let state = if file.exists() { "read" } else { "not there" };
        let _ = writeln!(text, "{}  ({state})", file.display());
        text
    })
}

fn effective(common: &Common) -> Result<ExitCode> {
    let places = gather::places(common);
    match explained(&places) {
        Ok(Some((config, settings))) => {
            let width = settings
                .iter()
                .map(|s| s.key.len() + s.value.len() + 3)
                .filter(|w| *w < 80)
                .max()
                .unwrap_or(0);
            let text = settings.iter().fold(String::new(), |mut text, setting| {
                let pair = format!("{} = {}", setting.key, setting.value);
                let _ = writeln!(text, "{pair:<width$}  # {}", setting.origin);
                text
            });
            if settings.is_empty() {
                out::words("note: nothing is set; `andon config example` shows what can be");
            }
            for note in &config.notes {
                out::words(&format!("note: {note}"));
            }
            print(&text)
        }
        Ok(None) => Err(gather::unconfigured(&places)),
        Err(problems) => {
            out::words(&problems.to_string());
            Ok(ExitCode::from(USAGE))
        }
    }
}
