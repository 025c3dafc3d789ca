import VolumeCore

/// What `rbd map` and `rbd unmap` do.
extension World {
    /// Every mapping is a client of its own (`noshare`). Mapping twice makes two devices.
    mutating func map(
        _ reference: ImageReference, id: String?, for access: VolumeAccess = .readWrite, options: [String],
        on name: String
    ) throws -> SimulatedDevice {
        let image = try image(reference, to: "map")
        guard id == nil || image.id == id else {
            throw VolumeError.anotherImage("map image \(reference)", reference, found: image.id, wanted: id)
        }
        let node = try node(name)
        let missing = image.features.subtracting(node.kernel.supportedFeatures)
        guard missing.isEmpty else {
            throw VolumeError(
                .unsupported, "map image \(reference)",
                why: "this kernel cannot serve the features \(missing.names.joined(separator: ", "))")
        }
        let nonce = node.kernel.nonces + 1
        guard let client = ClientAddress("10.0.0.\(node.number):0/\(nonce)") else {
            throw VolumeError(.internalFault, "map image \(reference)", why: "no address could be made")
        }
        let path =
            (0...).lazy.map { "/dev/rbd\($0)" }.first {
                node.kernel.devices[$0] == nil && node.kernel.superblocks[$0] == nil && !isHeld($0, on: name)
            } ?? ""
        var device = SimulatedDevice(
            path: path, image: reference, imageID: image.id, client: client, options: options, size: image.size)
        device.isReadOnly = access == .readOnly
        device.watches = !device.isReadOnly || node.kernel.watchesForReading
        nodes[name]?.kernel.nonces = nonce
        nodes[name]?.kernel.devices[path] = device
        return device
    }

    func device(_ path: String, on name: String, to doWhat: String) throws -> SimulatedDevice {
        guard let device = try node(name).kernel.devices[path] else {
            throw VolumeError(.notFound, "\(doWhat) \(path)", why: "no image is mapped there")
        }
        return device
    }

    /// A device whose path has gone to another image since is not touched.
    /// - Returns: whether it was found.
    @discardableResult
    mutating func unmap(_ mapped: MappedDevice, on name: String) throws -> Bool {
        let node = try node(name)
        guard let device = node.kernel.devices[mapped.path], MappedDevice(device).mayBeSameImage(as: mapped),
            mapped.client == nil || mapped.client == device.client, !device.isOutOfSight
        else { return false }
        guard device.openers.isEmpty, !isHeld(mapped.path, on: name), !device.isBeingChecked,
            node.kernel.superblocks[mapped.path] == nil
        else {
            throw VolumeError(
                .busy, "unmap \(mapped.path)", why: "Device or resource busy", remedy: "see who has it open")
        }
        guard !node.cutOffFrom.contains(.ceph) else {
            nodes[name]?.kernel.devices[mapped.path]?.isLeaving = true
            throw World.noAnswer("unmap \(mapped.path)")
        }
        release(device, on: name)
        return true
    }

    mutating func release(_ device: SimulatedDevice, on name: String) {
        nodes[name]?.kernel.devices[device.path] = nil
        close(device)
    }

    /// The client lets go of its image in good order.
    mutating func close(_ device: SimulatedDevice) {
        guard let reference = ceph.reference(ofImage: device.imageID) else { return }
        if ceph.images[reference]?.lockOwner == device.client { ceph.images[reference]?.lockOwner = nil }
    }

    mutating func grow(_ path: String, to size: VolumeSize, on name: String) throws {
        let device = try device(path, on: name, to: "grow")
        let current = ceph.reference(ofImage: device.imageID).flatMap { ceph.images[$0]?.size } ?? device.size
        nodes[name]?.kernel.devices[path]?.size = current
        guard current >= size else {
            throw VolumeError(.timedOut, "grow \(path)", why: "it still has \(current), not \(size)")
        }
    }

    /// A device that has gone needs no limits, and takes none.
    mutating func limit(_ mapped: MappedDevice, to limits: IOLimits, on name: String) throws {
        let what = "limit \(mapped.path) to \(limits)"
        let device = try device(mapped.path, on: name, to: "limit")
        guard MappedDevice(device).mayBeSameImage(as: mapped) else {
            throw VolumeError(.notFound, what, why: "another image is mapped there", outcome: .refused)
        }
        guard limits == .none || nodes[name]?.kernel.cannotLimit != true else {
            throw VolumeError(.unsupported, what, why: "this node has no way to limit a device", outcome: .refused)
        }
        nodes[name]?.kernel.devices[mapped.path]?.limits = limits
        nodes[name]?.kernel.devices[mapped.path]?.pastLimits.insert(limits)
    }

    static func noAnswer(_ what: String) -> VolumeError {
        VolumeError(.timedOut, what, why: "there was no answer in time", outcome: .unknown)
    }
}

/// What reaches the disk, and what does not.
extension World {
    /// Makes the client fit for one write: not fenced, and holding the exclusive lock.
    private mutating func admitWrite(through device: SimulatedDevice, on name: String, _ what: String) throws {
        guard !device.isReadOnly else { throw VolumeError(.unsupported, what, why: "\(device.path) is read-only") }
        try admitRead(through: device, on: name, what)
        guard let reference = ceph.reference(ofImage: device.imageID), let image = ceph.images[reference] else {
            throw VolumeError(.unavailable, what, why: "the image is gone: Input/output error")
        }
        guard image.features.contains(.exclusiveLock), let owner = image.lockOwner, owner != device.client else {
            if image.features.contains(.exclusiveLock) { ceph.images[reference]?.lockOwner = device.client }
            return
        }
        try takeLock(from: owner, ofImage: image.id, what)
        ceph.images[reference]?.lockOwner = device.client
    }

    /// A living owner hands the lock over when asked. The lock of one that watches no more is broken by whoever needs
    /// it, and the owner blocklisted. One that still counts as a watcher and does not answer keeps it.
    private mutating func takeLock(from owner: ClientAddress, ofImage id: String, _ what: String) throws {
        guard watchers(ofImage: id).contains(owner) else {
            blocklist(owner, for: .seconds(3600))
            return
        }
        let answers = nodes.values.contains { node in
            node.reaches(.ceph) && node.kernel.mappings.contains { $0.client == owner && !$0.isBroken }
        }
        guard answers else {
            throw World.noAnswer("\(what): the exclusive lock is with \(owner), which does not answer")
        }
    }

    /// Reads fail for a fenced client as writes do, and it never recovers.
    mutating func admitRead(through device: SimulatedDevice, on name: String, _ what: String) throws {
        guard !device.isBroken, !ceph.isBlocklisted(device.client, at: now) else {
            nodes[name]?.kernel.devices[device.path]?.isBroken = true
            throw VolumeError(
                .fenced, what,
                why: "client \(device.client) is blocklisted: Cannot send after transport endpoint"
                    + " shutdown (-108)")
        }
        guard try node(name).reaches(.ceph) else { throw World.noAnswer(what) }
    }

    /// One write to the filesystem on a device, by whoever has it in use there.
    mutating func writeFilesystem(
        _ device: SimulatedDevice, on name: String, _ what: String,
        _ change: (inout SimulatedFilesystem) -> Void
    ) throws {
        try admitWrite(through: device, on: name, what)
        guard let reference = ceph.reference(ofImage: device.imageID),
            var filesystem = ceph.images[reference]?.filesystem
        else { throw VolumeError(.damaged, what, why: "there is no filesystem any more") }
        if let own = nodes[name]?.kernel.superblocks[device.path]?.sequence, own != filesystem.sequence {
            filesystem.isDamaged = true
            harm.append(
                Harm(image: device.imageID, by: device.client, what: "wrote over what somebody else had written"))
        }
        change(&filesystem)
        filesystem.sequence += 1
        nodes[name]?.kernel.superblocks[device.path]?.sequence = filesystem.sequence
        ceph.images[reference]?.filesystem = filesystem
    }
}
