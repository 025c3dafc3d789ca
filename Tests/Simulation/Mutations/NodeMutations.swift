import InMemoryPorts
import RBDDriver
import VolumeCore

extension Mutation {
    func applyToNode(_ ports: inout DriverPorts, _ cluster: SimulatedCluster, _ node: String) {
        let images = ports.images
        let mapper = ports.mapper
        switch self {
        case .failedCheckFormats:
            let filesystems = ports.filesystems
            ports.filesystems = AlteredFilesystems(base: filesystems) { device, type in
                do {
                    try await filesystems.check(device, type)
                } catch {
                    cluster.mutate { $0.formatByForce(device, on: node, type) }
                }
            }
        case .freezeIsClaimed, .frozenStaysFrozen:
            let filesystems = ports.filesystems
            var altered = AlteredFilesystems(base: filesystems) { try await filesystems.check($0, $1) }
            altered.freezes = self != .freezeIsClaimed
            altered.thaws = self != .frozenStaysFrozen
            ports.filesystems = altered
        case .heldIsMounted:
            // Nor does the image itself keep anybody from it.
            var altered = AlteredImages(images)
            altered.inspecting = { image in
                var found = try await images.inspect(image)
                found?.rollingBackTo = nil
                return found
            }
            ports.images = altered
        case .imageIsOverwritten:
            var altered = AlteredImages(images)
            altered.inspecting = { image in
                let found = try await images.inspect(image)
                return VolumeRecord.uid(ofUnfinishedImage: image.name) == nil && found?.uid == nil ? nil : found
            }
            altered.renaming = { image, name in
                if VolumeRecord.uid(ofUnfinishedImage: name) == nil {
                    cluster.mutate { $0.takeAway(image.named(name)) }
                }
                try await images.rename(image, to: name)
            }
            ports.images = altered
        case .foreignUIDIsOurs:
            var altered = AlteredImages(images)
            let store = ports.store
            altered.inspecting = { image in
                var found = try await images.inspect(image)
                if let name = try? VolumeName(image.name), let volume = try? await store.read(name).volume?.record {
                    found?.uid = volume.uid
                }
                return found
            }
            ports.images = altered
        case .heldSnapshotsAreRemoved:
            var altered = AlteredSnapshots(ports.snapshots)
            altered.removing = { [base = ports.snapshots] snapshot, image, id in
                do {
                    try await base.remove(snapshot, of: image, id: id)
                } catch let error as VolumeError where error.code == .conflict {
                    cluster.mutate { $0.removeSnapshot(snapshot, ofImage: id) }
                }
            }
            ports.snapshots = altered
        case .snapshotsOfNowStay:
            var altered = AlteredSnapshots(ports.snapshots)
            altered.removing = { [base = ports.snapshots] snapshot, image, id in
                let all = try await base.snapshots(of: image, id: id)
                if all.contains(where: { $0.id == snapshot && CloneRule.isOfNow($0) }) { return }
                try await base.remove(snapshot, of: image, id: id)
            }
            ports.snapshots = altered
        case .clonesKeepTheirUUID:
            var altered = AlteredFormatter(ports.formatter)
            altered.cloning = { try await images.clone($0, as: $1, spec: $2, uid: $3) }
            ports.formatter = altered
        case .clonesAreMadeBlank:
            var altered = AlteredFormatter(ports.formatter)
            altered.cloning = { [base = ports.formatter] in try await base.createFormatted($1, spec: $2, uid: $3) }
            ports.formatter = altered
        case .formatIsSkipped:
            var altered = AlteredFormatter(ports.formatter)
            altered.creating = { try await images.create($0, spec: $1, uid: $2) }
            ports.formatter = altered
        case .trashIsPurged:
            var altered = AlteredImages(images)
            altered.listingTrash = { place in
                _ = try await images.trashed(in: place)
                return cluster.world.ceph.trash.keys.sorted().compactMap {
                    TrashedImage(in: place, id: $0, named: VolumeRecord.removedPrefix + "any.volume")
                }
            }
            altered.emptying = { image, _ in cluster.mutate { $0.deleteByHand(image.id) } }
            ports.images = altered
        case .keptIsEmptiedEarly:
            var altered = AlteredImages(images)
            altered.emptying = { image, _ in try await images.emptyTrash(image, early: true) }
            ports.images = altered
        case .cephsClockIsNotAsked:
            // Every new snapshot is taken at the end of all days.
            var altered = AlteredSnapshots(ports.snapshots)
            altered.taking = { [base = ports.snapshots] in
                var taken = try await base.take($0, of: $1, id: $2, mark: $3, evenIfChanging: $4)
                taken.snapshot.takenAt = WallTime(seconds: .max)
                return taken
            }
            ports.snapshots = altered
        case .snapshotsAreNotSeen:
            var altered = AlteredImages(images)
            altered.inspecting = { image in
                var found = try await images.inspect(image)
                found?.snapshots = []
                return found
            }
            altered.emptying = { image, _ in cluster.mutate { $0.deleteByHand(image.id) } }
            ports.images = altered
        case .unmapLies:
            var altered = AlteredMapper(mapper)
            altered.unmapping = { _ in true }
            ports.mapper = altered
        case .unmapIsBelieved:
            var altered = AlteredMapper(mapper)
            altered.unmapping = {
                _ = try await mapper.unmap($0)
                return true
            }
            ports.mapper = altered
        case .devicesAreNotSeen:
            var altered = AlteredMapper(mapper)
            altered.listing = { [] }
            ports.mapper = altered
        case .deadMappingsAreNotSeen:
            var altered = AlteredMapper(mapper)
            altered.listingDead = { [] }
            ports.mapper = altered
        case .sharedIsMappedForWriting:
            var altered = AlteredMapper(mapper)
            altered.mapping = { try await mapper.map($0, id: $1, for: .readWrite, options: $3) }
            altered.lookingForWrites = { _ in true }
            ports.mapper = altered
        case .mapIgnoresTheID:
            var altered = AlteredMapper(mapper)
            altered.mapping = { try await mapper.map($0, id: nil, for: $2, options: $3) }
            ports.mapper = altered
            ports.images = takingAnyID(images, ports.store)
        case .removalIgnoresTheID:
            var altered = AlteredImages(takingAnyID(images, ports.store))
            altered.removing = { image, _ in try await images.remove(image, id: nil) }
            ports.images = altered
        case .clientIsNotTold:
            var altered = AlteredMapper(mapper)
            altered.mapping = { image, id, access, options in
                var device = try await mapper.map(image, id: id, for: access, options: options)
                device.client = nil
                return device
            }
            ports.mapper = altered
        case .checkIsSkipped:
            ports.filesystems = AlteredFilesystems(base: ports.filesystems) { _, _ in }
        case .repairIsForgotten:
            let filesystems = ports.filesystems
            ports.filesystems = AlteredFilesystems(base: filesystems) { device, type in
                do { try await filesystems.check(device, type) } catch let error as VolumeError
                    where error.code == .unfinished
                {
                    return
                }
            }
        case .writersAreNotNoted:
            var altered = AlteredImages(images)
            altered.noting = { _, _, _ in }
            ports.images = altered
        case .filesystemsDoNotGrow:
            let filesystems = ports.filesystems
            ports.filesystems = AlteredFilesystems(
                base: filesystems, checking: { try await filesystems.check($0, $1) }, grows: false)
        case .limitsAreClaimed: ports.limiter = BelievedLimiter()
        case .growthIgnoresTheID:
            var altered = AlteredImages(images)
            altered.growing = { image, _, size in
                guard let found = try await images.inspect(image) else { return }
                try await images.grow(image, id: found.id, to: size)
            }
            ports.images = altered
        case .nothingIsUnsettled: ports.catalog = AlteredCatalog(base: ports.catalog) { [] }
        default: applyToMounter(&ports)
        }
    }

    private func applyToMounter(_ ports: inout DriverPorts) {
        var altered = AlteredMounter(ports.mounter)
        switch self {
        case .unmountLies: altered.unmounting = { _, _ in }
        case .mountsAreNotSeen: altered.looking = { _ in nil }
        case .useIsNotSeen: altered.findingUse = { _ in false }
        case .rootIsNotPrepared: altered.preparing = { _, _ in }
        default: break
        }
        ports.mounter = altered
    }

    /// Whatever bears the name of a volume's image has the id and the uid that the volume's record says.
    private func takingAnyID(_ images: any ImageStore, _ store: any VolumeStore) -> any ImageStore {
        var altered = AlteredImages(images)
        altered.inspecting = { image in
            var found = try await images.inspect(image)
            if let name = try? VolumeName(image.name), let volume = try? await store.read(name).volume?.record {
                found?.uid = volume.uid
                if let id = volume.imageID { found?.id = id }
            }
            return found
        }
        return altered
    }
}

extension World {
    /// `mkfs -f` on whatever is there.
    fileprivate mutating func formatByForce(_ path: String, on node: String, _ type: FilesystemType) {
        guard let device = nodes[node]?.kernel.devices[path],
            let reference = ceph.reference(of: device.imageID), var image = ceph.images[reference]
        else { return }
        image.content = .filesystem(SimulatedFilesystem(type: type, size: image.size))
        image.timesFormatted += 1
        plant(image, as: reference)
    }
}
