import VolumeCore

/// What fills filesystems, and what gives space back.
extension World {
    /// A container writes a file of that many bytes.
    public mutating func fill(_ bytes: UInt64, on name: String, at mountpoint: String) throws {
        let device = try writable(mountpoint, on: name, "write to \(mountpoint)")
        guard let filesystem = filesystem(on: device), bytes <= filesystem.size.bytes - filesystem.usedBytes else {
            throw VolumeError(.noSpace, "write to \(mountpoint)", why: "No space left on device")
        }
        try writeFilesystem(device, on: name, "write to \(mountpoint)") { $0.usedBytes += bytes }
    }

    /// A container writes until next to nothing is left.
    public mutating func fillUp(on name: String, at mountpoint: String) throws {
        let device = try writable(mountpoint, on: name, "write to \(mountpoint)")
        guard let filesystem = filesystem(on: device) else { return }
        let wanted = filesystem.size.bytes / 100 * 95
        if wanted > filesystem.usedBytes { try fill(wanted - filesystem.usedBytes, on: name, at: mountpoint) }
    }

    /// A container removes files of that many bytes. The blocks stay Ceph's until they are discarded.
    public mutating func empty(_ bytes: UInt64, on name: String, at mountpoint: String) throws {
        let device = try writable(mountpoint, on: name, "remove from \(mountpoint)")
        let isDiscarding = nodes[name]?.kernel.superblocks[device.path]?.discards == true
        try writeFilesystem(device, on: name, "remove from \(mountpoint)") {
            let removed = min(bytes, $0.usedBytes)
            $0.usedBytes -= removed
            if !isDiscarding { $0.staleBytes += removed }
        }
    }

    /// What Ceph keeps for an image.
    public func allocated(_ image: ImageReference) -> UInt64 {
        ceph.images[image]?.filesystem.map { $0.usedBytes + $0.staleBytes } ?? 0
    }

    func usage(of path: String, at mountpoint: String, on name: String) throws -> FilesystemUsage {
        let what = "see how full \(mountpoint) is"
        let device = try device(path, mountedAt: mountpoint, on: name, what)
        guard try node(name).reaches(.ceph) else { throw World.noAnswer(what) }
        guard let filesystem = filesystem(on: device) else {
            throw VolumeError(.unavailable, what, why: "Input/output error")
        }
        return FilesystemUsage(
            totalBytes: filesystem.size.bytes, usedBytes: filesystem.usedBytes,
            availableBytes: filesystem.size.bytes - filesystem.usedBytes)
    }

    mutating func trim(_ path: String, at mountpoint: String, on name: String) throws -> UInt64 {
        let what = "trim \(mountpoint)"
        let device = try device(path, mountedAt: mountpoint, on: name, what)
        try writeFilesystem(device, on: name, what) { $0.staleBytes = 0 }
        return filesystem(on: device).map { $0.size.bytes - $0.usedBytes } ?? 0
    }

    mutating func freeze(_ path: String, at mountpoint: String, on name: String, atMost limit: Duration) throws {
        let what = "freeze the filesystem at \(mountpoint)"
        _ = try device(path, mountedAt: mountpoint, on: name, what)
        guard !isFrozen(path, on: name) else { throw VolumeError(.unavailable, what, why: "it is frozen") }
        try flush(path, on: name)
        nodes[name]?.kernel.superblocks[path]?.frozenUntil = now + limit
    }

    /// `fsfreeze --freeze`: until somebody thaws it.
    public mutating func freezeByHand(_ path: String, at mountpoint: String, on name: String) throws {
        try freeze(path, at: mountpoint, on: name, atMost: .seconds(1 << 40))
    }

    mutating func thaw(_ path: String, at mountpoint: String, on name: String) throws -> Bool {
        _ = try device(path, mountedAt: mountpoint, on: name, "thaw the filesystem at \(mountpoint)")
        defer { nodes[name]?.kernel.superblocks[path]?.frozenUntil = nil }
        return isFrozen(path, on: name)
    }

    public func isFrozen(_ path: String, on name: String) -> Bool {
        nodes[name]?.kernel.superblocks[path]?.frozenUntil.map { $0 > now } ?? false
    }

    /// Whoever would have thawed them has been killed with the plugin.
    mutating func keepFrozen(on name: String) {
        for path in nodes[name]?.kernel.superblocks.keys.sorted() ?? [] where isFrozen(path, on: name) {
            nodes[name]?.kernel.superblocks[path]?.frozenUntil = .seconds(1 << 40)
        }
    }

    mutating func setDiscards(_ isOn: Bool, of path: String, at mountpoint: String, on name: String) throws {
        let what = "switch discard \(isOn ? "on" : "off") at \(mountpoint)"
        _ = try device(path, mountedAt: mountpoint, on: name, what)
        guard let superblock = try node(name).kernel.superblocks[path], !superblock.readOnly,
            superblock.discards != isOn
        else { return }
        guard superblock.filesystem != .xfs else {
            throw VolumeError(.unsupported, what, why: "xfs takes it only when it is mounted", outcome: .refused)
        }
        nodes[name]?.kernel.superblocks[path]?.discards = isOn
    }

    private func device(
        _ path: String, mountedAt mountpoint: String, on name: String, _ what: String
    ) throws -> SimulatedDevice {
        guard try node(name).kernel.mount(at: mountpoint)?.device == path else {
            throw VolumeError(.notFound, what, why: "\(path) is not mounted there", outcome: .refused)
        }
        return try device(path, on: name, to: "use")
    }

    private func filesystem(on device: SimulatedDevice) -> SimulatedFilesystem? {
        ceph.reference(ofImage: device.imageID).flatMap { ceph.images[$0]?.filesystem }
    }
}
