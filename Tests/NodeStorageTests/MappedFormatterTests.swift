import InMemoryPorts
import PortContracts
import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

/// Images that get their filesystem on a mapped device.
@Suite("Formatter on a device") struct MappedFormatterTests {
    /// Maps whatever it is asked for to one path, which another mapping has by the time that somebody looks.
    private struct ReplacedMapper: DeviceMapper {
        let path: String
        /// What is there when somebody looks.
        let present: @Sendable (MappedDevice) -> [MappedDevice]
        let asked = Recorder<MappedDevice>()

        var kind: String { "replaced" }
        func unsupported(_ features: ImageFeatures) async throws -> ImageFeatures { [] }
        func map(
            _ image: ImageReference, id: String?, for access: VolumeAccess, options: [String]
        ) async throws -> MappedDevice {
            let device = MappedDevice(image: image, imageID: id, path: path, client: ClientAddress("10.0.0.1:0/1"))
            asked.append(device)
            return device
        }
        func mapped() async throws -> [MappedDevice] { asked.values.last.map(present) ?? [] }
        func deadMappings() async throws -> [MappedDevice] { [] }
        func deadClients() async throws -> [ClientAddress] { [] }
        func forgetDeadClient(_ client: ClientAddress) async throws {}
        func isOwn(_ device: MappedDevice) async throws -> Bool { true }
        func unmap(_ device: MappedDevice) async throws -> Bool { false }
        func isReadOnly(_ device: MappedDevice) async throws -> Bool { false }
        func size(of device: MappedDevice) async throws -> VolumeSize { .mebibytes(64) }
        func grow(_ device: MappedDevice, to size: VolumeSize) async throws {}
    }

    private static let another = MappedDevice(
        image: ImageReference(pool: "rbd", name: "another"), imageID: "77", path: "",
        client: ClientAddress("10.0.0.1:0/2"))

    /// Creates the image `rbd/new`, whose device is replaced by what `present` says.
    private func create(
        _ present: @escaping @Sendable (MappedDevice) -> [MappedDevice], _ runner: ScriptedRunner
    ) async throws {
        try await LinuxBench.run("replaced") { bench in
            let disk = try await LoopDisk.make(bench, .mebibytes(64))
            let formatter = MappedFormatter(
                images: SimulatedCluster(nodes: ["a"]).startPlugin(on: "a").images,
                mapper: ReplacedMapper(path: disk.device, present: present), runner: runner, kernel: bench.kernel,
                stateFolder: bench.scratch.path,
                filesystems: LinuxFilesystemTools(runner: runner, kernel: bench.kernel))
            let image = ImageReference(pool: "rbd", name: "new")
            _ = try await formatter.createFormatted(
                image, spec: VolumeSpec(pool: "rbd", size: .mebibytes(64)), uid: "0123456789abcdef")
        }
    }

    @Test("A device that is another image's by now, or nobody's, is not formatted")
    func replaced() async throws {
        for present: @Sendable (MappedDevice) -> [MappedDevice] in [
            { mapped in
                var now = Self.another
                now.path = mapped.path
                return [now]
            },
            { _ in [] },
        ] {
            let runner = ScriptedRunner()
            #expect(await errorOf { try await create(present, runner) }?.code == .unexplained)
            #expect(runner.lines == [])
        }
    }

    @Test("The device that was mapped is formatted")
    func mapped() async throws {
        let runner = ScriptedRunner()
        try await create({ [$0] }, runner)
        #expect(runner.lines.count == 1)
        #expect(runner.lines.first?.contains("mkfs.ext4") == true)
    }
}
