//! The date of an incident: the first of several places that say one, and every other that disagrees.

use jiff::civil::Date;

use super::dates::{self, Spotted};
use super::front::Front;
use super::outline::Outline;
use crate::model::{Clean, Dated, Found, ReadFrom};

/// The first of: front matter, file name, directory, heading, label, text. What else is said of the whole
/// document and differs is a conflict; dates in its text are of its events, and none.
pub fn dated(
    below: &str,
    front: &Front,
    h1: Option<&str>,
    outline: &Outline,
    text: &Clean,
) -> (Option<Dated>, Vec<Clean>) {
    let (folders, name) = below.rsplit_once(['/', '\\']).unwrap_or(("", below));
    let label = outline.fields.iter().find(|field| {
        let label = field.label.to_lowercase();
        ["date", "incident date", "start time", "date of incident"].contains(&label.as_str())
    });
    let mut said: Vec<(Spotted, ReadFrom)> = Vec::new();
    let mut say = |spotted: Option<Spotted>, place: ReadFrom| {
        if let Some(spotted) = spotted {
            let place = match (spotted.month_only, place) {
                (true, ReadFrom::FileName) => ReadFrom::FileNameMonth,
                (true, ReadFrom::Directory) => ReadFrom::DirectoryMonth,
                (_, place) => place,
            };
            said.push((spotted, place));
        }
    };
    let words = front.get(&["date", "start_time", "incident_date"]);
    say(words.and_then(|words| dates::first(words, false)), ReadFrom::FrontMatter);
    say(dates::first(stem(name), true), ReadFrom::FileName);
    say(folders.rsplit(['/', '\\']).find_map(|dir| dates::first(dir, true)), ReadFrom::Directory);
    say(h1.and_then(|words| dates::first(words, false)), ReadFrom::Heading);
    say(label.and_then(|field| dates::first(&field.value, false)), ReadFrom::Label);

    let mut flags = Vec::new();
    let in_text = text.as_str().lines().zip(&outline.code).filter(|(_, code)| !**code);
    let mut first_in_text = None;
    let mut in_year = false;
    let named_year = dates::year(name);
    for (line, _) in in_text {
        for year in dates::typo_years(line) {
            let flag = Clean::line(format_args!("the year {year} cannot be right"));
            if !flags.contains(&flag) && flags.len() < 5 {
                flags.push(flag);
            }
        }
        // A timeline may begin long before the incident: the year in a name like `PM2022-006` says which it is.
        if said.is_empty() && (first_in_text.is_none() || named_year.is_some() && !in_year) {
            let spotted = dates::first(line, false);
            let fits = |s: &Spotted| named_year.is_some_and(|year| year == s.date.year());
            match spotted {
                Some(spotted) if fits(&spotted) => {
                    first_in_text = Some(spotted);
                    in_year = true;
                }
                _ => first_in_text = first_in_text.or(spotted),
            }
        }
    }
    if let Some(spotted) = first_in_text {
        if let Some(year) = named_year.filter(|_| !in_year) {
            flags.push(Clean::line(format_args!("the file name says {year}")));
        }
        said.push((spotted, ReadFrom::Text));
    }
    // A day says more than a month: a month alone counts only where no day agrees with it.
    let mut rest = said.into_iter();
    let Some((mut first, mut place)) = rest.next() else { return (None, flags) };
    let mut conflicts: Vec<Found<Date>> = Vec::new();
    for (other, from) in rest {
        if first.month_only && first.agrees(other.date) && !other.month_only {
            (first, place) = (other, from);
        } else if !first.agrees(other.date)
            && !other.agrees(first.date)
            && conflicts.iter().all(|c| c.value != other.date)
        {
            conflicts.push(Found::new(other.date, from));
        }
    }
    (Some(Dated { date: Found::new(first.date, place), conflicts }), flags)
}

/// The name of a file without its ending.
pub fn stem(below: &str) -> &str {
    let name = below.rsplit(['/', '\\']).next().unwrap_or(below);
    let endings = [".html.md.erb", ".markdown", ".mdx", ".md", ".rst"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}
