/// What is to be said of the settings.
public enum SettingsRule {
    public static func result(_ seen: SettingsSeen) -> CheckResult {
        let findings =
            seen.problems.map(finding) + seen.missingCephConf.map { [finding(missing: $0)] }.orEmpty
            + seen.warnings.map(finding(doubtful:)) + seen.secrets.map(finding(secret:))
        let summary = findings.isEmpty ? "\(seen.given) are set, and all can be used" : ""
        return CheckResult(.settings, "", summary, findings)
    }

    private static func finding(_ problem: SettingsSeen.Problem) -> Finding {
        let what = problem.sentence
        guard problem.isFile else {
            return Finding(
                .settingUnusable, what,
                remedy:
                    "correct \(problem.name) where the plugin gets it: 'docker plugin set' with the plugin disabled, or "
                    + "/etc/default/rbd-plugin; docs/reference.md says what it takes")
        }
        return Finding(
            .fileUnusable, what,
            remedy: "put the file there, readable by root ('ls -l' shows it), or correct \(problem.name)")
    }

    private static func finding(missing file: SettingsSeen.MissingFile) -> Finding {
        Finding(
            .cephConfMissing, "cannot read \(file.path): \(file.reason)",
            remedy: "set RBD_CONF_GLOBAL_MON_HOST, or CEPH_CONF to the path of a ceph.conf")
    }

    private static func finding(doubtful sentence: String) -> Finding {
        Finding(.settingDoubtful, sentence, remedy: "correct or remove it, or leave it if it is meant so")
    }

    private static func finding(secret name: String) -> Finding {
        Finding(
            .secretInEnvironment, "\(name) holds a secret itself",
            remedy:
                "put it into a file of mode 0600 that only root can read, set \(name)_FILE to its path, and remove \(name)"
        )
    }
}

extension [Finding]? {
    fileprivate var orEmpty: [Finding] { self ?? [] }
}
