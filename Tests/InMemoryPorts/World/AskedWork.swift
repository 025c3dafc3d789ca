import VolumeCore

/// What operators' commands write beside the plugins.
extension World {
    /// Takes a snapshot of a volume that no node has, and asks for a rollback to it, in one moment.
    /// - Returns: `false` when the volume cannot be rolled back now.
    public mutating func askForRollBack(_ text: String) -> Bool {
        guard let name = try? VolumeName(text), let volume = etcd.read(name).volume?.record,
            let image = ceph.images[volume.image], image.id == volume.imageID, image.rollingBackTo == nil,
            watchers(ofImage: image.id).isEmpty, image.filesystem != nil,
            !image.snapshots.contains(where: { $0.name == "undo" })
        else { return false }
        guard let taken = try? takeSnapshot("undo", of: volume.image, mark: nil) else { return false }
        guard ask(.rollBack(snapshot: taken.id, name: taken.name), of: name) else {
            try? removeSnapshot("undo", of: volume.image)
            return false
        }
        return true
    }

    /// Asks once more for a rollback that has failed half-way.
    public mutating func askForRollBackAgain(_ text: String) -> Bool {
        guard let name = try? VolumeName(text), let request = etcd.read(name).request?.record, request.isHalfDone else {
            return false
        }
        return ask(request.work, of: name)
    }

    public mutating func askForSnapshot(of text: String) -> Bool {
        guard let name = try? VolumeName(text), let snapshot = try? SnapshotName("asked-\(requests)") else {
            return false
        }
        return ask(.snapshot(snapshot, token: "snapshot-\(requests)"), of: name)
    }

    private mutating func ask(_ work: RequestedWork, of name: VolumeName) -> Bool {
        requests += 1
        let stored = etcd.read(name)
        guard
            let request = try? RequestRule.ask(
                work, of: stored, token: "asked-\(requests)", by: "operator", at: WallTime(seconds: 1_767_225_600) + now
            )
        else { return false }
        return etcd.commit(RequestRule.change(request, of: stored), over: stored, request: requests) != nil
    }

    /// `etcdctl del requests/NAME`.
    public mutating func forgetRequest(_ text: String) {
        guard let name = try? VolumeName(text) else { return }
        requests += 1
        _ = etcd.commit(.init(request: .delete), over: etcd.read(name), request: requests)
    }
}
