"""PyGithub against the demo: python pygithub.py BASE_URL OWNER/NAME. It refuses links to any other host."""
import sys

from github import Auth, Github

base, name = sys.argv[1:3]
github = Github(
    base_url=base,
    auth=Auth.Token("not-a-secret"),
    retry=None,
    seconds_between_requests=0,
    seconds_between_writes=0,
)
repo = github.get_repo(name)
deployments = list(repo.get_deployments()[:20])
states = [s.state for s in deployments[0].get_statuses()] if deployments else []
releases = list(repo.get_releases())
runs = list(repo.get_workflow_runs()[:20])
assert deployments and states and releases and runs, (deployments, states, releases, runs)
assert all(d.sha and d.created_at and d.environment for d in deployments)
assert all(r.tag_name for r in releases)
assert all(r.status and r.head_sha and r.html_url for r in runs)
print(f"{len(deployments)} deployments, {len(releases)} releases, {len(runs)} runs")
