//! Zone names as GitLab keeps them: IANA names, or the cities and regions that Rails calls its zones.

use jiff::tz::TimeZone;

/// Names whose IANA zone is not simply a city of the same name (`ActiveSupport::TimeZone::MAPPING`).
const NAMED: &[(&str, &str)] = &[
    ("International Date Line West", "Etc/GMT+12"),
    ("Midway Island", "Pacific/Midway"),
    ("American Samoa", "Pacific/Pago_Pago"),
    ("Hawaii", "Pacific/Honolulu"),
    ("Alaska", "America/Juneau"),
    ("Pacific Time (US & Canada)", "America/Los_Angeles"),
    ("Mountain Time (US & Canada)", "America/Denver"),
    ("Arizona", "America/Phoenix"),
    ("Central Time (US & Canada)", "America/Chicago"),
    ("Saskatchewan", "America/Regina"),
    ("Guadalajara", "America/Mexico_City"),
    ("Central America", "America/Guatemala"),
    ("Eastern Time (US & Canada)", "America/New_York"),
    ("Indiana (East)", "America/Indiana/Indianapolis"),
    ("Quito", "America/Lima"),
    ("Atlantic Time (Canada)", "America/Halifax"),
    ("Newfoundland", "America/St_Johns"),
    ("Brasilia", "America/Sao_Paulo"),
    ("Buenos Aires", "America/Argentina/Buenos_Aires"),
    ("Georgetown", "America/Guyana"),
    ("Greenland", "America/Godthab"),
    ("Mid-Atlantic", "Atlantic/South_Georgia"),
    ("Cape Verde Is.", "Atlantic/Cape_Verde"),
    ("Edinburgh", "Europe/London"),
    ("Bern", "Europe/Zurich"),
    ("West Central Africa", "Africa/Algiers"),
    ("Pretoria", "Africa/Johannesburg"),
    ("St. Petersburg", "Europe/Moscow"),
    ("Abu Dhabi", "Asia/Muscat"),
    ("Ekaterinburg", "Asia/Yekaterinburg"),
    ("Islamabad", "Asia/Karachi"),
    ("Chennai", "Asia/Kolkata"),
    ("Mumbai", "Asia/Kolkata"),
    ("New Delhi", "Asia/Kolkata"),
    ("Astana", "Asia/Almaty"),
    ("Sri Jayawardenepura", "Asia/Colombo"),
    ("Hanoi", "Asia/Bangkok"),
    ("Beijing", "Asia/Shanghai"),
    ("Osaka", "Asia/Tokyo"),
    ("Sapporo", "Asia/Tokyo"),
    ("Solomon Is.", "Pacific/Guadalcanal"),
    ("New Caledonia", "Pacific/Noumea"),
    ("Marshall Is.", "Pacific/Majuro"),
    ("Wellington", "Pacific/Auckland"),
    ("Nuku'alofa", "Pacific/Tongatapu"),
    ("Tokelau Is.", "Pacific/Fakaofo"),
    ("Chatham Is.", "Pacific/Chatham"),
    ("Samoa", "Pacific/Apia"),
];

const REGIONS: &[&str] =
    &["Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic"];

/// The zone of a name; an empty one is UTC, GitLab's own default.
pub fn zone(name: &str) -> Option<TimeZone> {
    let name = name.trim();
    if name.is_empty() || name == "UTC" {
        return Some(TimeZone::UTC);
    }
    if let Some((_, iana)) = NAMED.iter().find(|(rails, _)| *rails == name) {
        return TimeZone::get(iana).ok();
    }
    // Longer than any zone's name: the database is not asked for nonsense.
    if name.len() > 64 {
        return None;
    }
    let city = || {
        REGIONS.iter().find_map(|r| TimeZone::get(&format!("{r}/{}", name.replace(' ', "_"))).ok())
    };
    TimeZone::get(name).ok().or_else(city)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_kinds_are_known() {
        for (name, iana) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("Kuala Lumpur", "Asia/Kuala_Lumpur"),
            ("Pacific Time (US & Canada)", "America/Los_Angeles"),
        ] {
            assert_eq!(
                zone(name).and_then(|z| z.iana_name().map(str::to_owned)).as_deref(),
                Some(iana)
            );
        }
        assert!(zone("Atlantis").is_none());
        for (rails, iana) in NAMED {
            assert!(TimeZone::get(iana).is_ok(), "{rails}");
        }
    }
}
