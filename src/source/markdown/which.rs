//! Which files of a folder are post-mortems: by name, before anything is read.

use super::dates;

/// What a file is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Document,
    /// Only its title can be told.
    Rst,
    /// Looks like a document and is none: an index, a template, a guide for contributors.
    Skipped,
    Other,
}

/// Judges a path below the configured folder, with `/` between its parts.
pub fn which(below: &str) -> Which {
    let lower = below.replace('\\', "/").to_lowercase();
    let mut parts: Vec<&str> = lower.split('/').collect();
    let name = parts.pop().unwrap_or_default();
    // Hidden folders hold machinery (.git, .github), never a team's documents.
    if parts.iter().any(|part| part.starts_with('.') || *part == "node_modules")
        || name.starts_with('.')
    {
        return Which::Other;
    }
    let endings = [".html.md.erb", ".markdown", ".mdx", ".md"];
    let stem = endings.iter().find_map(|ending| name.strip_suffix(ending));
    let (stem, which) = match (stem, name.strip_suffix(".rst")) {
        (Some(stem), _) => (stem, Which::Document),
        (None, Some(stem)) => (stem, Which::Rst),
        (None, None) => return Which::Other,
    };
    let in_dated_folder = || parts.last().is_some_and(|dir| dates::first(dir, true).is_some());
    match stem {
        "readme" if in_dated_folder() => which,
        "readme" | "index" | "_index" | "contributing" | "code_of_conduct" => Which::Skipped,
        _ if stem.contains("template") => Which::Skipped,
        _ => which,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_documents_from_what_lies_around_them() {
        for (below, expected) in [
            ("2019-01-23.md", Which::Document),
            ("PM2020-003 - Postmortem for ADSync.md", Which::Document),
            ("2020/2020-07-09/README.md", Which::Document),
            ("a.mdx", Which::Document),
            ("b.html.md.erb", Which::Document),
            ("c.markdown", Which::Document),
            ("d.rst", Which::Rst),
            ("README.md", Which::Skipped),
            ("docs/index.md", Which::Skipped),
            ("template-incident-report.md", Which::Skipped),
            ("PMyyyy-nnn - Postmortem template.md", Which::Skipped),
            ("CONTRIBUTING.md", Which::Skipped),
            (".git/description.md", Which::Other),
            ("picture.png", Which::Other),
            ("", Which::Other),
        ] {
            assert_eq!(which(below), expected, "{below}");
        }
    }
}
