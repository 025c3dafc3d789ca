/// What is to be said of Docker and of the plugin that runs here.
public enum DockerRule {
    public static func results(_ seen: DockerSeen) -> [CheckResult] {
        [engine(seen)]
            + (seen.sockets.isEmpty ? [CheckResult(.plugin, "", "none runs here")] : seen.sockets.map(plugin))
    }

    private static func engine(_ seen: DockerSeen) -> CheckResult {
        switch seen.engine {
        case .absent: return CheckResult(.docker, "", "there is no Docker here")
        case .silent(let why):
            return CheckResult(
                .docker, "", "",
                [
                    Finding(
                        .dockerSilent, "Docker does not answer on its socket: \(why)",
                        remedy: "'systemctl status docker' and 'journalctl -u docker' on this node")
                ])
        case .answers(let version):
            let findings = seen.plugins.filter { !$0.isEnabled }.map { plugin in
                Finding(
                    .pluginDisabled, "the plugin \(plugin.name) is installed and not enabled",
                    remedy: "'docker plugin enable \(plugin.name)'; if it ends at once, the daemon's log says why")
            }
            let enabled = seen.plugins.filter(\.isEnabled).map(\.name)
            let plugins =
                enabled.isEmpty
                ? "no managed plugin of this kind is enabled" : "\(enabled.joined(separator: ", ")) enabled"
            return CheckResult(.docker, "", "Docker \(version), \(plugins)", findings)
        }
    }

    private static func plugin(_ socket: DockerSeen.Socket) -> CheckResult {
        switch socket.state {
        case .healthy: return CheckResult(.plugin, socket.path, "runs, and says that it is well")
        case .unwell(let troubles):
            return CheckResult(
                .plugin, socket.path, "",
                troubles.map {
                    Finding(
                        .pluginUnwell, "the plugin says: \($0)",
                        remedy: "'curl --unix-socket \(socket.path) http://rbd/healthz' and its log say more")
                })
        case .silent(let why):
            return CheckResult(
                .plugin, socket.path, "",
                [
                    Finding(
                        .pluginSilent, "the plugin does not answer: \(why)",
                        remedy:
                            "look at its log; start it again ('systemctl restart rbd-plugin', or 'docker plugin disable -f' and "
                            + "'enable'): mounted volumes stay mounted with krbd")
                ])
        }
    }
}
