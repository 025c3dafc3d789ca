import InMemoryPorts
import RBDDriver
import VolumeCore

/// What an answer claims must be true at that moment.
extension History {
    func check(_ request: Request, _ outcome: Outcome, on index: Int) {
        let name = hosts[index].name
        switch (request, outcome) {
        case (.mount(let volume, let id), .mounted(let mountpoint)):
            cluster.mutate { checkMounted(volume, id, mountpoint, on: name, $0) }
        case (.unmount(let volume, let id), .done):
            cluster.mutate { checkUnmounted(volume, id, on: index, $0) }
        case (.create(let volume), .done): cluster.mutate { checkCreated(volume, $0) }
        case (.remove(let volume), .done): cluster.mutate { checkRemoved(volume, $0) }
        case (.get(let volume), .failed(let error)) where error.code == .notFound,
            (.remove(let volume), .failed(let error)) where error.code == .notFound && error.outcome == .refused:
            cluster.mutate { checkDenied(volume, request, $0) }
        case (_, .failed(let error)) where error.code == .internalFault:
            checks.report(.answersAreTrue, "\(request) on \(name): \(error)")
        default: break
        }
    }

    private func records(_ volume: String, _ world: World) -> StoredVolume? {
        (try? VolumeName(volume)).map(world.etcd.read)
    }

    /// As the node sees them.
    private func records(_ volume: String, _ world: World, on node: String) -> StoredVolume? {
        records(volume, world).flatMap { try? NodesView.seen($0, by: node) }
    }

    private func checkMounted(_ volume: String, _ id: String, _ mountpoint: String, on node: String, _ world: World) {
        let stored = records(volume, world, on: node)
        let isShared = stored?.isShared == true
        guard let kernel = world.nodes[node]?.kernel, let mount = kernel.mount(at: mountpoint),
            let device = kernel.devices[mount.device], kernel.superblocks[mount.device] != nil
        else { return checks.report(.mountedIsMounted, "nothing is mounted at \(mountpoint) on \(node)") }
        if device.imageID != stored?.volume?.record.imageID {
            checks.report(.mountedIsMounted, "\(mountpoint) on \(node) is image \(device.imageID), not \(volume)'s")
        }
        let isReadOnly = kernel.superblocks[mount.device]?.readOnly == true
        if device.isBroken || world.isFenced(device.client) || isReadOnly != isShared {
            checks.report(.mountedIsMounted, "what is mounted at \(mountpoint) on \(node) is fenced: it is of no use")
        }
        if !isShared, world.ceph.images.values.contains(where: { $0.id == device.imageID && $0.hasLostAndFound }) {
            checks.report(.answersAreTrue, "\(volume) is mounted on \(node) with a lost+found in its root")
        }
        guard let attachment = stored?.attachment?.record, attachment.owner.node == node,
            attachment.state == .attached, attachment.mountIDs[id] != nil
        else {
            return checks.report(.answersAreTrue, "\(volume) is mounted on \(node) for \(id), and etcd does not say so")
        }
    }

    private func checkUnmounted(_ volume: String, _ id: String, on index: Int, _ world: World) {
        let node = hosts[index].name
        let attachment = records(volume, world, on: node)?.attachment?.record
        if attachment?.owner == world.nodes[node]?.identity, attachment?.mountIDs.isEmpty == false {
            return checkOthersKeep(volume, id, on: index, world)
        }
        guard let kernel = world.nodes[node]?.kernel else { return }
        let left =
            kernel.devices.values.filter { $0.image == Setup.image(volume) && !$0.isOutOfSight }.map(\.path)
            + kernel.mounts.filter { mount in
                mount.mountpoint == Setup.mountpoint(volume)
                    && kernel.devices[mount.device]?.isOutOfSight != true
            }.map(\.mountpoint)
        if !left.isEmpty {
            checks.report(
                .unmountedIsGone, "after Unmount \(volume) \(id) on \(node): \(left.sorted().joined(separator: ", "))")
        }
        if attachment?.owner == world.nodes[node]?.identity {
            checks.report(.unmountedIsGone, "after Unmount \(volume) \(id) etcd says that \(node) has it")
        }
    }

    /// Whoever else runs with this volume here keeps it.
    private func checkOthersKeep(_ volume: String, _ id: String, on index: Int, _ world: World) {
        let host = hosts[index]
        for other in host.containers where other.volume == volume && other.id != id && !other.isTornAway {
            guard other.isRunning, world.nodes[host.name]?.kernel.mount(at: Setup.mountpoint(volume)) == nil else {
                continue
            }
            // Where the mapper has lost its notes, a volume that another node asked for cannot be mounted again: containers
            // go on with their own mounts, and the last one that ends lets go of it.
            if case .running(_, let device) = other.state,
                world.nodes[host.name]?.kernel.devices[device]?.isOutOfSight == true
            {
                continue
            }
            checks.report(.usersKeepTheirMount, "Unmount \(volume) \(id) on \(host.name) took it from \(other.id)")
        }
    }

    /// What Docker has been told is mounted stays so while Docker binds it into the container.
    func checkGranted(_ world: World) {
        for host in hosts {
            for container in host.containers where !container.isTornAway {
                guard case .granted(let mountpoint, let since, let client) = container.state,
                    world.clock(of: host.name) < since + Setup.settings.handOverGrace, !checks.wasTakenOver(client),
                    world.nodes[host.name]?.kernel.mount(at: mountpoint) == nil
                else { continue }
                checks.report(
                    .usersKeepTheirMount,
                    "\(container.id) on \(host.name) is about to start, and nothing is mounted at \(mountpoint) any more"
                )
            }
        }
    }

    private func checkCreated(_ volume: String, _ world: World) {
        guard let record = records(volume, world)?.volume?.record, record.phase == .ready else {
            return checks.report(.answersAreTrue, "Create \(volume) succeeded, and etcd has no such volume")
        }
        if checks.isForeign(record.image) { return }
        guard let image = world.ceph.images[record.image], image.id == record.imageID, image.uid == record.uid,
            image.filesystem != nil || image.rollingBackTo != nil
        else { return checks.report(.answersAreTrue, "Create \(volume) succeeded, and its image is not whole") }
    }

    private func checkRemoved(_ volume: String, _ world: World) {
        if records(volume, world)?.volume != nil {
            checks.report(.answersAreTrue, "Remove \(volume) succeeded, and etcd still has it")
        }
        if let image = world.ceph.images[Setup.image(volume)], image.uid != nil {
            checks.report(.answersAreTrue, "Remove \(volume) succeeded, and its image is still there")
        }
    }

    private func checkDenied(_ volume: String, _ request: Request, _ world: World) {
        if records(volume, world)?.volume?.record.phase == .ready {
            checks.report(.neverDenied, "\(request): no such volume, but etcd has it")
        }
    }
}
