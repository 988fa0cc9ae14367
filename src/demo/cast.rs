//! Who and what there is in the demo: the team Harbour, its people, its services, and what each is like on a calm day.

/// Somebody of the team.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Person {
    pub login: &'static str,
    pub name: &'static str,
    /// The pager's own id.
    pub id: &'static str,
}

pub const PEOPLE: &[Person] = &[
    Person { login: "ada", name: "Ada Nwosu", id: "PADA001" },
    Person { login: "jonas", name: "Jonas Lindqvist", id: "PJONAS2" },
    Person { login: "priya", name: "Priya Raman", id: "PPRIYA3" },
    Person { login: "tomas", name: "Tomás Ferreira", id: "PTOMAS4" },
    Person { login: "liwen", name: "Li Wen 李雯", id: "PLIWEN5" },
    Person { login: "noor", name: "Noor Haddad", id: "PNOOR06" },
];

pub fn person(login: &str) -> &'static Person {
    PEOPLE.iter().find(|p| p.login == login).unwrap_or(&NOBODY)
}

const NOBODY: Person = Person { login: "ghost", name: "Ghost", id: "PGHOST0" };

/// A service and its calm level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Service {
    pub name: &'static str,
    pub owner: &'static str,
    pub depends_on: &'static [&'static str],
    /// The pager's own id.
    pub pager: &'static str,
    pub policy: &'static str,
    /// Requests per second in a busy hour.
    pub rps: f64,
    /// 95th percentile of a calm hour, in seconds.
    pub p95: f64,
    pub errors: f64,
    /// Share of the workers that are busy in a busy hour.
    pub busy: f64,
    pub workers: f64,
    /// The version in production when the story begins.
    pub version: u32,
    /// Production deploys in an ordinary week.
    pub pace: f64,
    /// Who usually commits.
    pub hands: &'static [&'static str],
}

pub const SERVICES: &[Service] = &[
    Service {
        name: "web",
        owner: "Storefront",
        depends_on: &["checkout", "search", "login"],
        pager: "PWEB001",
        policy: "Shop",
        rps: 420.0,
        p95: 0.18,
        errors: 0.000_6,
        busy: 0.52,
        workers: 96.0,
        version: 1208,
        pace: 6.0,
        hands: &["noor", "priya", "liwen"],
    },
    Service {
        name: "checkout",
        owner: "Checkout",
        depends_on: &["payments", "mail", "db"],
        pager: "PCHECK2",
        policy: "Shop",
        rps: 62.0,
        p95: 0.21,
        errors: 0.000_4,
        busy: 0.48,
        workers: 40.0,
        version: 411,
        pace: 4.0,
        hands: &["ada", "jonas"],
    },
    Service {
        name: "payments",
        owner: "Money",
        depends_on: &["ledger", "db"],
        pager: "PPAYM03",
        policy: "Money",
        rps: 38.0,
        p95: 0.34,
        errors: 0.001_2,
        busy: 0.44,
        workers: 32.0,
        version: 233,
        pace: 2.0,
        hands: &["jonas", "tomas"],
    },
    Service {
        name: "ledger",
        owner: "Money",
        depends_on: &["db"],
        pager: "PLEDG04",
        policy: "Money",
        rps: 51.0,
        p95: 0.06,
        errors: 0.000_1,
        busy: 0.36,
        workers: 16.0,
        version: 87,
        pace: 1.0,
        hands: &["tomas"],
    },
    Service {
        name: "search",
        owner: "Storefront",
        depends_on: &["db"],
        pager: "PSEAR05",
        policy: "Shop",
        rps: 140.0,
        p95: 0.11,
        errors: 0.000_5,
        busy: 0.47,
        workers: 24.0,
        version: 96,
        pace: 3.0,
        hands: &["liwen", "priya"],
    },
    Service {
        name: "login",
        owner: "Accounts",
        depends_on: &["db"],
        pager: "PLOGI06",
        policy: "Shop",
        rps: 33.0,
        p95: 0.09,
        errors: 0.000_3,
        busy: 0.31,
        workers: 16.0,
        version: 152,
        pace: 2.0,
        hands: &["priya", "noor"],
    },
    Service {
        name: "mail",
        owner: "Accounts",
        depends_on: &[],
        pager: "PMAIL07",
        policy: "Shop",
        rps: 9.0,
        p95: 0.05,
        errors: 0.000_8,
        busy: 0.40,
        workers: 8.0,
        version: 64,
        pace: 1.0,
        hands: &["noor"],
    },
    Service {
        name: "db",
        owner: "Platform",
        depends_on: &[],
        pager: "PDATA08",
        policy: "Money",
        rps: 2_600.0,
        p95: 0.008,
        errors: 0.000_01,
        busy: 0.58,
        workers: 400.0,
        version: 31,
        pace: 0.4,
        hands: &["tomas", "jonas"],
    },
    Service {
        name: "reports",
        owner: "Money",
        depends_on: &["ledger"],
        pager: "PREPO09",
        policy: "Money",
        rps: 0.6,
        p95: 1.6,
        errors: 0.001_5,
        busy: 0.22,
        workers: 4.0,
        version: 41,
        pace: 0.6,
        hands: &["tomas", "liwen"],
    },
];

/// The place of a service in the table; the first for names nobody knows, which no caller uses.
pub fn index(name: &str) -> usize {
    SERVICES.iter().position(|s| s.name == name).unwrap_or(0)
}

/// Services that the cluster's own deployer brings out: the code host knows their code, and nothing of their deploys.
pub fn by_argo(name: &str) -> bool {
    matches!(name, "ledger" | "mail")
}

pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|s| s.name == name)
}

/// The team's own name at the code host.
pub const ORG: &str = "harbour";

/// What strangers manage to write into titles: escape sequences, a bidi override, invisible characters, markup.
pub fn hostile() -> String {
    format!(
        "\u{1b}]0;owned\u{7}\u{1b}[31mURGENT\u{1b}[0m invoice\u{202e}fdp.exe <b>open me</b> za\u{200b}lgo e{} \u{feff}end",
        "\u{301}\u{327}\u{489}".repeat(100)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dependency_and_every_hand_exists() {
        for s in SERVICES {
            assert!(s.depends_on.iter().all(|d| service(d).is_some()), "{}", s.name);
            assert!(s.hands.iter().all(|h| person(h).login == *h), "{}", s.name);
        }
    }
}
