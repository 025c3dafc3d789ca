import Doctor
import NodeStorage
import PluginConfiguration
import VolumeCore

/// Looks at this host.
struct NodeProbe: Sendable {
    let survey: NodeSurvey
    let settings: ReadSettings
    private static let standardFolder = "/run/rbd-plugin"

    /// - Parameter client: how the kernel would reach the cluster; `nil` when Ceph does not say.
    func look(_ client: KernelClient?) async -> NodeSeen {
        let folder = settings.stateDirectory ?? Self.standardFolder
        async let kernel = InTime.of(.seconds(5)) { (try? await survey.kernelRelease()) ?? "unknown" }
        async let free = InTime.of(.seconds(5)) { try? await survey.free(at: folder) }
        async let groups = InTime.of(.seconds(5)) { await controlGroups() }
        async let unsupported = InTime.of(.seconds(5)) { try? await survey.unsupported(by: features) }
        let mappers = await InTime.of(.seconds(20)) { await self.mappers(client) }
        var seen = NodeSeen(
            kernel: await kernel ?? "unknown", mappers: [], wantedMapper: settings.devices?.mapper?.rawValue,
            controlGroups: await groups ?? .unknown("the control groups cannot be read"))
        switch mappers {
        case .success(let found)?: seen.mappers = found
        case .failure(let error)?: seen.mapperFailure = "\(error)"
        case nil: seen.mapperFailure = "looking at the node took too long"
        }
        seen.unsupportedFeatures = (await unsupported ?? nil)??.names
        seen.filesystems = FilesystemType.allCases.map {
            NodeSeen.Filesystem(name: $0.rawValue, missing: survey.missingTools(of: $0))
        }
        seen.defaultFilesystem = settings.volumes?.defaults.filesystem.rawValue ?? "ext4"
        seen.scratchFolder = folder
        seen.scratchFree = await free ?? nil
        return seen
    }

    private var features: ImageFeatures { settings.volumes?.defaults.features ?? .standard }

    private func mappers(_ client: KernelClient?) async -> Result<[NodeSeen.Mapper], any Error> {
        do {
            return .success(
                try await survey.mappers(as: client).map { NodeSeen.Mapper(kind: $0.kind.rawValue, lacks: $0.lacks) })
        } catch {
            return .failure(error)
        }
    }

    private func controlGroups() async -> NodeSeen.ControlGroups {
        do {
            return try await survey.controllers().map { .unified(controllers: $0) } ?? .legacy
        } catch {
            return .unknown((error as? VolumeError)?.why ?? "\(error)")
        }
    }
}
