import VolumeCore

/// What people and other programs do to Ceph without asking the plugin.
extension World {
    /// Puts an image there that no volume knows of.
    public mutating func plant(_ image: SimulatedImage, as reference: ImageReference) {
        ceph.images[reference] = image
    }

    /// Damages the filesystem on an image so that a person has to look at it.
    public mutating func damage(_ reference: ImageReference) {
        ceph.images[reference]?.filesystem?.isDamaged = true
    }

    /// Leaves errors on an ext4 filesystem that `e2fsck -p` repairs.
    public mutating func disorder(_ reference: ImageReference) {
        ceph.images[reference]?.filesystem?.needsRepair = true
    }

    /// Leaves an ext4 filesystem as a power cut leaves a mounted one.
    public mutating func leaveMounted(_ reference: ImageReference) {
        ceph.images[reference]?.filesystem?.needsRecovery = true
    }

    /// Makes it time to check an ext4 filesystem that has nothing wrong.
    public mutating func makeCheckDue(_ reference: ImageReference) {
        ceph.images[reference]?.filesystem?.isCheckDue = true
    }

    /// Leaves such errors where nobody has the image mapped.
    /// - Returns: `false` when there is no such filesystem, or somebody has it.
    public mutating func disorderIdle(_ reference: ImageReference) -> Bool {
        guard let image = ceph.images[reference], image.filesystem?.type == .ext4 else { return false }
        let isMapped = nodes.values.contains { $0.kernel.mappings.contains { $0.imageID == image.id } }
        if !isMapped { disorder(reference) }
        return !isMapped
    }

    /// Unmaps what was mapped by hand, as `rbd unmap` does.
    public mutating func unmapByHand(_ device: MappedDevice, on name: String) throws { try unmap(device, on: name) }

    /// Maps and mounts an image on a node by hand.
    /// - Returns: as whom Ceph knows it.
    public mutating func mountByHand(
        _ image: ImageReference, on name: String, at mountpoint: String, _ type: FilesystemType
    ) throws -> ClientAddress {
        let device = try map(image, id: nil, options: [], on: name)
        try mount(device.path, at: mountpoint, type, options: [], on: name)
        return device.client
    }

    /// `ceph osd blocklist add`.
    public mutating func blocklistByHand(_ client: ClientAddress, for duration: Duration) {
        blocklist(client, for: duration)
    }

    /// The record of a volume is lost; its image stays.
    public mutating func forgetVolume(_ text: String) {
        guard let name = try? VolumeName(text) else { return }
        requests += 1
        _ = etcd.commit(.init(volume: .delete), over: etcd.read(name), request: requests)
    }

    /// `etcdctl put`.
    public mutating func putByHand(_ attachment: Attachment, of name: VolumeName) {
        requests += 1
        _ = etcd.commit(.init(attachment: .put(attachment)), over: etcd.read(name), request: requests)
    }

    /// `etcdctl del` of the record of a mount.
    public mutating func deleteMountByHand(_ text: String) {
        guard let name = try? VolumeName(text) else { return }
        requests += 1
        _ = etcd.commit(.init(attachment: .delete), over: etcd.read(name), request: requests)
    }

    /// `rbd feature disable` of all that needs the exclusive lock, and of the lock itself, for the images of all volumes.
    public mutating func disableLocks() {
        for (reference, image) in ceph.images where image.uid != nil {
            var plain = image
            plain.features = [.layering]
            plain.lockOwner = nil
            plant(plain, as: reference)
        }
    }

    /// `rbd-plugin volume protect` and `unprotect`.
    /// - Returns: whether that changed anything.
    @discardableResult
    public mutating func protect(_ text: String, _ isProtected: Bool) -> Bool {
        guard let name = try? VolumeName(text) else { return false }
        let stored = etcd.read(name)
        guard let volume = try? ProtectionRule.decide(stored, isProtected: isProtected) else { return false }
        requests += 1
        return etcd.commit(.init(volume: .put(volume)), over: stored, request: requests) != nil
    }

    /// `rbd-plugin volume resize`, in a cluster without policies.
    /// - Returns: whether that changed anything.
    @discardableResult
    public mutating func wishSize(_ size: VolumeSize, of text: String) -> Bool {
        guard let name = try? VolumeName(text) else { return false }
        let stored = etcd.read(name)
        guard let desired = try? GrowthRule.request(size, for: stored, at: WallTime(seconds: 0)) else { return false }
        requests += 1
        return etcd.commit(.init(desired: .put(desired)), over: stored, request: requests) != nil
    }

    /// `rbd-plugin policy upload`; with `nil` `rbd-plugin policy rm --force`, if that can be done right now.
    /// - Returns: whether that changed anything.
    @discardableResult
    public mutating func setPolicy(_ policy: Policy?, as name: PolicyName) -> Bool {
        let before = etcd.policies[name]
        guard policy != before?.record else { return false }
        if policy == nil, let before {
            for stored in etcd.readAll() where PolicyRule.follows(stored, name) {
                guard let record = try? PolicyRule.detach(stored, from: name, before.record) else { return false }
                requests += 1
                _ = etcd.commit(.init(volume: .put(record)), over: stored, request: requests)
            }
        }
        requests += 1
        return etcd.write(policy, as: name, over: before?.revision, request: requests).isDone
    }

    /// `rbd resize`.
    /// - Returns: whether it was smaller.
    public mutating func growByHand(_ reference: ImageReference, to size: VolumeSize) -> Bool {
        guard let image = ceph.images[reference], image.size < size else { return false }
        ceph.images[reference]?.size = size
        return true
    }

    /// An operator sets values of a volume, if that can be done right now.
    /// - Parameter changes: `nil` where a weaker place shall decide.
    /// - Returns: whether that changed anything.
    @discardableResult
    public mutating func setValues(_ changes: [RuntimeOption: String?], of text: String) -> Bool {
        guard let name = try? VolumeName(text) else { return false }
        let stored = etcd.read(name)
        guard let volume = try? RuntimeRule.change(changes, of: stored, policy: nil) else { return false }
        requests += 1
        return etcd.commit(.init(volume: .put(volume)), over: stored, request: requests) != nil
    }

    /// Whether the node has a way to limit devices.
    public mutating func letLimit(_ canLimit: Bool, on name: String) { nodes[name]?.kernel.cannotLimit = !canLimit }

    /// From now on checks on the node go on for longer than a call.
    public mutating func holdChecks(on name: String) { nodes[name]?.kernel.checksAreHeld = true }

    /// They come to their end.
    public mutating func letChecksEnd(on name: String) {
        nodes[name]?.kernel.checksAreHeld = false
        for path in nodes[name]?.kernel.devices.keys ?? [:].keys {
            nodes[name]?.kernel.devices[path]?.isBeingChecked = false
        }
    }

    /// Maps an image on a node by hand, as `rbd map` does.
    public mutating func mapByHand(_ image: ImageReference, on name: String) throws -> MappedDevice {
        MappedDevice(try map(image, id: nil, options: [], on: name))
    }

    /// `ceph osd blocklist rm`.
    public mutating func liftFence(of client: ClientAddress?) {
        if let client { allow(client) }
    }

    /// `rbd mv`, which every client that has the image open survives.
    public mutating func renameByHand(_ image: ImageReference, to name: String) throws {
        try renameImage(image, to: name)
    }

    /// Whether a plugin process runs on the node.
    public func isPluginRunning(on name: String) -> Bool { nodes[name]?.process != nil }
}

extension SimulatedImage {
    /// What applications wrote and is on disk.
    public var records: [String] { filesystem?.records ?? [] }

    /// Whether the root of its filesystem has a `lost+found`.
    public var hasLostAndFound: Bool { filesystem?.hasLostAndFound ?? false }

    /// Whether its filesystem has errors that `e2fsck -p` repairs.
    public var needsRepair: Bool { filesystem?.needsRepair ?? false }
}
