#!/usr/bin/python
"""Drives `kerio-tls set --json`: check mode is its dry run, the diff is made from its edits."""

import json

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: kerio_tls
short_description: Sets the minimum TLS version of a Kerio Connect mail host
description: Runs C(kerio-tls set --json) on the host; C(kerio-tls set --help) explains each option.
options:
  inbound:
    description: Minimum for those who call this server; empty leaves it as it is.
    type: str
    choices: ["", default, tls1.0, tls1.1, tls1.2, tls1.3]
    default: ""
  outbound:
    description: Minimum for servers that this one calls; empty leaves it as it is.
    type: str
    choices: ["", default, tls1.0, tls1.1, tls1.2, tls1.3]
    default: ""
  engine:
    description: What happens to a running engine.
    type: str
    choices: [refuse, restart]
    default: refuse
  undo_after:
    description: Undo the change by itself after so many minutes unless it is confirmed; 0 does not.
    type: int
    default: 0
  accept_cut_off:
    description: Go on although known peers are cut off, or the evidence about one disagrees; unknown peers only warn.
    type: bool
    default: false
  accept_unknown_name:
    description: Write a variable although the engine's own program does not hold its name.
    type: bool
    default: false
  in_place:
    description: Write the file in place where it cannot be replaced.
    type: bool
    default: false
  executable:
    description: The program.
    type: str
    default: kerio-tls
  file:
    description: The configuration file; empty means the usual places.
    type: str
    default: ""
  peers:
    description: The peers file.
    type: str
    default: ""
  config:
    description: The preferences file.
    type: str
    default: ""
  state_dir:
    description: Where backups, journal and evidence are kept.
    type: str
    default: ""
"""

RETURN = """
edits:
  description: Each edit with table, variable, old and new value, and how sure the name is; secrets are hidden.
  type: list
cut_off:
  description: Peers known to be below the new minimum.
  type: list
backup:
  description: The file as it was, on the host.
  type: str
"""

MINIMUMS = ["", "default", "tls1.0", "tls1.1", "tls1.2", "tls1.3"]


def side(edits, which):
    """One side of the diff: a line for each variable that the file has. The new side says how sure the name is."""
    sure = {edit["variable"]: " (name: %s)" % edit["name_sure"] for edit in edits if edit["name_sure"] and which == "new"}
    return "".join(
        "%s/%s = %s%s\n" % (edit["table"], edit["variable"], edit[which], sure.get(edit["variable"], ""))
        for edit in edits
        if edit[which] is not None
    )


def main():
    module = AnsibleModule(
        argument_spec={
            "inbound": {"type": "str", "choices": MINIMUMS, "default": ""},
            "outbound": {"type": "str", "choices": MINIMUMS, "default": ""},
            "engine": {"type": "str", "choices": ["refuse", "restart"], "default": "refuse"},
            "undo_after": {"type": "int", "default": 0},
            "accept_cut_off": {"type": "bool", "default": False},
            "accept_unknown_name": {"type": "bool", "default": False},
            "in_place": {"type": "bool", "default": False},
            "executable": {"type": "str", "default": "kerio-tls"},
            "file": {"type": "str", "default": ""},
            "peers": {"type": "str", "default": ""},
            "config": {"type": "str", "default": ""},
            "state_dir": {"type": "str", "default": ""},
        },
        required_one_of=[["inbound", "outbound"]],
        supports_check_mode=True,
    )
    given = module.params
    command = [given["executable"], "set", "--json", "--engine", given["engine"]]
    for name in ("inbound", "outbound", "file", "peers", "config", "state_dir"):
        if given[name]:
            command += ["--" + name.replace("_", "-"), given[name]]
    if given["undo_after"]:
        command += ["--undo-after", str(given["undo_after"])]
    for name in ("accept_cut_off", "accept_unknown_name", "in_place"):
        if given[name]:
            command.append("--" + name.replace("_", "-"))
    command.append("--dry-run" if module.check_mode else "--yes")

    status, out, err = module.run_command(command)
    try:
        said = json.loads(out)
    except ValueError:
        said = {}
    for warning in said.get("warnings", []):
        module.warn(warning)
    if status != 0 or "changed" not in said:
        words = err.strip() or out.strip() or "no JSON was printed"
        # A file that is saved has changed, even if the engine then did something else.
        module.fail_json(
            msg=words, rc=status, cmd=command, cut_off=said.get("cut_off", []), changed=said.get("saved", False)
        )
    edits = said["edits"]
    result = {"changed": said["changed"], "edits": edits, "cut_off": said["cut_off"], "backup": said["backup"]}
    if edits:
        header = given["file"] or "mailserver.cfg"
        result["diff"] = {
            "before_header": header,
            "after_header": header,
            "before": side(edits, "old"),
            "after": side(edits, "new"),
        }
    module.exit_json(**result)


if __name__ == "__main__":
    main()
