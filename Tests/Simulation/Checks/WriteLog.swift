import InMemoryPorts

/// What the containers wrote, besides what the world knows to be acknowledged.
struct WriteLog {
    /// Records that were written by a client that had been fenced before: they must never show up.
    private(set) var refused: Set<String> = []

    mutating func noteRefused(_ record: String) { refused.insert(record) }
}

extension History {
    /// Lets a container write one record and wait until it is on disk.
    func write(by position: Int, on index: Int) {
        var container = hosts[index].containers[position]
        guard case .running(let holder, let device) = container.state else { return }
        container.writes += 1
        hosts[index].containers[position] = container
        let name = hosts[index].name
        let record = "\(container.id).\(container.writes)"
        let (wasFenced, error) = cluster.mutate { world -> (Bool, VolumeErrorText?) in
            let client = world.nodes[name]?.kernel.devices[device]?.client
            let isFenced = client.map(world.isFenced) ?? false
            do {
                try world.write(record, by: holder)
                return (isFenced, nil)
            } catch {
                return (isFenced, VolumeErrorText(text: "\(error)"))
            }
        }
        note("  \(name)  \(container.id) writes \(record): \(error?.text ?? "on disk")")
        if wasFenced {
            writes.noteRefused(record)
            if error == nil { checks.report(.fencedStaysOut, "\(record) was acknowledged to a fenced client") }
        }
    }

    /// Every acknowledged record is on its image, unless its volume was removed on request; nothing of a fenced client is.
    func checkRecords() {
        cluster.mutate { world in
            for (id, acknowledged) in world.acknowledged.sorted(by: { $0.key < $1.key }) {
                if let owner = checks.owners[id], checks.removed.contains(owner) { continue }
                let image = world.ceph.images.values.first { $0.id == id }
                // Whoever takes a record of a mount away can have a volume rolled back that a container writes to.
                if checks.isForged, image?.timesRolledBack ?? 0 > 0 { continue }
                let present = Set(image?.records ?? [])
                let missing = acknowledged.filter { !present.contains($0) }
                if !missing.isEmpty {
                    checks.report(.noRecordLost, "image \(id) lacks \(missing.joined(separator: ", "))")
                }
            }
            for image in world.ceph.images.values {
                for record in image.records where writes.refused.contains(record) {
                    checks.report(.fencedStaysOut, "\(record) of a fenced client is on image \(image.id)")
                }
            }
        }
    }
}

struct VolumeErrorText: Sendable {
    let text: String
}
