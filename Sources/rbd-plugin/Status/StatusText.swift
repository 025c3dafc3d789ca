import ClusterStatus

/// `rbd-plugin status` for people: one screen.
enum StatusText {
    /// - Parameter onlyTroubles: whether all that is well is left out.
    static func text(_ status: ClusterStatus, onlyTroubles: Bool) -> String {
        let parts = onlyTroubles ? [] : [backends(status), nodes(status), volumes(status), unfinished(status)]
        return (parts.compactMap(\.self) + [troubles(status)]).joined(separator: "\n\n") + "\n"
    }

    private static func backends(_ status: ClusterStatus) -> String {
        var table = Table("BACKEND", "ANSWERS", "SAYS")
        for (name, backend) in [("etcd", status.etcd), ("Ceph", status.ceph)] {
            switch backend {
            case .answers(let detail): table.add(name, "yes", detail)
            case .silent(let reason): table.add(name, "no", reason)
            }
        }
        return table.text
    }

    private static func nodes(_ status: ClusterStatus) -> String? {
        guard let nodes = status.nodes else { return nil }
        var table = Table("NODE", "ALIVE", "MOUNTED", "SINCE", "VERSION")
        for row in nodes { table.add(row.node, row.alive ? "yes" : "no", "\(row.mounted)", row.since, row.version) }
        return table.text
    }

    private static func volumes(_ status: ClusterStatus) -> String? {
        guard let volumes = status.volumes else { return nil }
        var table = Table("VOLUMES", "READY", "MOUNTED", "CREATING", "REMOVING")
        table.add(
            "\(volumes.total)", "\(volumes.ready)", "\(volumes.mounted)", "\(volumes.creating)", "\(volumes.removing)")
        return table.text
    }

    private static func unfinished(_ status: ClusterStatus) -> String? {
        guard let unfinished = status.unfinished, !unfinished.isEmpty else { return nil }
        var table = Table("UNFINISHED", "IS", "NODE", "SINCE")
        for work in unfinished { table.add(work.volume, work.what, work.node, work.since) }
        return table.text
    }

    private static func troubles(_ status: ClusterStatus) -> String {
        let lines = status.troubles.flatMap { ["\($0.code.rawValue): \($0.what).", "  do: \($0.remedy)"] }
        return (lines + [status.conclusion]).joined(separator: "\n")
    }
}
