/// Writes the one `ceph.conf` that librados, the `rbd` tool and qemu all read here.
public enum CephConfRenderer {
    /// Renders the configuration.
    ///
    /// Lines of settings follow the host's own text, and the lines of the section `[client.USER]` come last: for Ceph
    /// the later line wins, and the section of one client wins over `[client]` and `[global]`.
    ///
    /// - Parameters:
    ///   - ceph: what the settings say.
    ///   - hostConfiguration: the text of the host's file when ``CephClientSettings/source`` names one.
    ///   - keyringPath: where the rendered keyring will be; nil when there is no key to render, and Ceph searches.
    ///   - connectTimeout: what connecting to the monitors may take (`client_mount_timeout`, rounded up to seconds).
    public static func render(
        _ ceph: CephClientSettings, hostConfiguration: String? = nil, keyringPath: String?, connectTimeout: Duration
    ) -> String {
        var blocks: [String] = []
        if let hostConfiguration { blocks.append(Text.withoutFinalLineBreak(hostConfiguration)) }
        for name in CephConfLine.sections {
            let lines = ceph.lines.filter { $0.section == name }
            if !lines.isEmpty { blocks.append(section(name, lines.map { ($0.key, $0.value) })) }
        }
        let own = ownLines(keyringPath: keyringPath, connectTimeout: connectTimeout)
            .filter { line in line.key == "keyring" || !isChosen(line.key, in: ceph.lines) }
        if !own.isEmpty { blocks.append(section(ceph.clientName, own)) }
        return blocks.joined(separator: "\n\n") + "\n"
    }

    /// What a client of ours needs whatever the cluster's file says. `log file` and `admin socket` are often set for
    /// all in `[global]`, and then every short-lived client would leave a log and a socket behind. There is no
    /// time-out for reads and writes here: qemu reads this file too, and a disk must wait for a slow cluster.
    private static func ownLines(keyringPath: String?, connectTimeout: Duration) -> [(key: String, value: String)] {
        let keyring = keyringPath.map { [(key: "keyring", value: $0)] } ?? []
        return keyring + [
            (key: "client_mount_timeout", value: String(wholeSeconds(connectTimeout))),
            (key: "log_file", value: ""),
            (key: "admin_socket", value: ""),
        ]
    }

    private static func isChosen(_ key: String, in lines: [CephConfLine]) -> Bool {
        lines.contains { $0.key == key && ["global", "client"].contains($0.section) }
    }

    private static func section(_ name: String, _ lines: [(key: String, value: String)]) -> String {
        let body = lines.map { $0.value.isEmpty ? "\($0.key) =" : "\($0.key) = \(escaped($0.value))" }
        return (["[\(name)]"] + body).joined(separator: "\n")
    }

    /// In `ceph.conf` a semicolon or number sign begins a comment anywhere in a line, a quote a quoted text, and a
    /// backslash takes the meaning from what follows it.
    private static func escaped(_ value: String) -> String {
        String(value.flatMap { "\\;#\"'".contains($0) ? ["\\", $0] : [$0] })
    }

    private static func wholeSeconds(_ duration: Duration) -> Int64 {
        let (seconds, fraction) = duration.components
        return max(1, fraction > 0 ? seconds + 1 : seconds)
    }
}
