import Glibc
import PortContracts
import RealParts
import Rig
import Synchronization
import Testing
import VolumeCore

@testable import NodeStorage

@Suite struct NbdListingTests {
    @Test func bothFormsOfTheProcessIdAreUnderstood() throws {
        let listings = try #require(
            NbdListing.parse(
                """
                [{"id":12,"pool":"rbd","namespace":"ns","image":"x","snap":"","device":"/dev/nbd0","cookie":""},
                 {"id":"13","pool":"rbd","image":"y","snap":"-","device":"/dev/nbd1"},
                 {"id":"14","pool":"rbd","namespace":"","image":"z","snap":"s","device":"/dev/nbd2"}]
                """))
        #expect(listings.map(\.process) == [12, 13, 14])
        #expect(listings[0].image == ImageReference(pool: "rbd", namespace: "ns", name: "x"))
        #expect(listings.map(\.isSnapshot) == [false, false, true])
    }

    @Test func nothingIsNothingAndNonsenseIsNot() {
        #expect(NbdListing.parse("\n") == [])
        #expect(NbdListing.parse("[]") == [])
        #expect(NbdListing.parse("id pool") == nil)
    }
}

/// With a script in place of `rbd` and `rbd-nbd`.
@Suite struct NbdMapperTests {
    private let image = ImageReference(pool: "rbd", name: "x")

    /// What the scripted tools have mapped, and who watches.
    private final class World: Sendable {
        let devices = Mutex<[String: String]>([:])
        let watchers = Mutex<[ClientAddress]>([])
        /// Which image has the name now.
        let imageID = Mutex("x1")
        /// Whether another image gets the name while it is being mapped.
        let changesID = Mutex(false)
        /// The device of what is mapped next.
        let path = Mutex("/dev/nbd0")
        /// The `rbd-nbd` of what is mapped next.
        let process = Mutex("7")

        func answer(_ command: Command) -> CommandResult {
            if command.tool == .rbdNBD {
                let lines = devices.withLock { $0.sorted { $0.key < $1.key } }.map {
                    #"{"id":\#(process.withLock(\.self)),"pool":"rbd","namespace":"","image":"\#($0.value)","snap":"","device":"\#($0.key)"}"#
                }
                return CommandResult(.exited(0), output: "[\(lines.joined(separator: ","))]")
            }
            if command.arguments.contains("map"), let name = command.arguments.last {
                let path = path.withLock { $0 }
                devices.withLock { $0[path] = name }
                if changesID.withLock(\.self) { imageID.withLock { $0 += "+" } }
                watchers.withLock { $0 += [ClientAddress("10.0.0.1:0/9")].compactMap(\.self) }
                return CommandResult(.exited(0), output: path + "\n")
            }
            devices.withLock { $0[command.arguments.last ?? ""] = nil }
            return CommandResult(.exited(0))
        }
    }

    private func run(_ body: (LinuxBench, World, ScriptedRunner, NbdMapper) async throws -> Void) async throws {
        try await LinuxBench.run("nbd") { bench in
            let world = World()
            let runner = ScriptedRunner { world.answer($0) }
            try await body(bench, world, runner, mapper(bench, world, runner))
        }
    }

    private func mapper(_ bench: LinuxBench, _ world: World, _ runner: ScriptedRunner) -> NbdMapper {
        NbdMapper(
            files: CephClientFiles(confPath: "/c", user: "docker"), stateFolder: bench.scratch.path, runner: runner,
            kernel: bench.kernel
        ) { _ in WatchedImage(id: world.imageID.withLock(\.self), watchers: world.watchers.withLock(\.self)) }
    }

    @Test("A2: a name that leads to another image while it is mapped maps nothing")
    func a2AnotherImageIsNotMapped() async throws {
        try await run { bench, world, runner, nbd in
            #expect(await errorOf { _ = try await nbd.map(image, id: "x0", options: []) }?.code == .foreignImage)
            #expect(runner.lines.isEmpty, "it was not even tried")
            let path = try await LoopDisk.make(bench, .mebibytes(64)).device
            world.path.withLock { $0 = path }
            world.changesID.withLock { $0 = true }
            #expect(await errorOf { _ = try await nbd.map(image, id: "x1", options: []) }?.code == .foreignImage)
            let left = world.devices.withLock { $0 }
            #expect(left == [:])
        }
    }

    @Test("A2: notes of an older version tell no id, and what is in no note is the plugin's while it is being mapped")
    func a2OldNotesTellNoID() async throws {
        try await run { bench, world, runner, nbd in
            let old =
                #"{"client":"10.0.0.1:0/9","image":{"name":"x","namespace":"","pool":"rbd"},"path":"/dev/nbd0","process":7}"#
            try await bench.tool("mkdir", "-p", bench.scratch.path + "/nbd")
            try await bench.tool(
                "sh", "-c", "printf %s \"$1\" >\"$2\"", "sh", old, bench.scratch.path + "/nbd/nbd0.json")
            world.devices.withLock { $0 = ["/dev/nbd0": "x", "/dev/nbd1": "y"] }
            let mapped = try await nbd.mapped()
            #expect(
                mapped == [
                    MappedDevice(image: image, path: "/dev/nbd0", client: ClientAddress("10.0.0.1:0/9")),
                    MappedDevice(image: image.named("y"), path: "/dev/nbd1"),
                ])
            #expect(try await nbd.isOwn(mapped[0]))
            #expect(try await !nbd.isOwn(mapped[1]))
            try MappingMarks(folder: bench.scratch.path + "/nbd").set(image.named("y"), id: nil)
            #expect(try await mapper(bench, world, runner).isOwn(mapped[1]))
        }
    }

    @Test func aRestartedPluginKnowsTheAddress() async throws {
        try await run { bench, world, runner, nbd in
            let device = try await nbd.map(image, id: nil, options: ["noshare"])
            #expect(
                device
                    == MappedDevice(
                        image: image, imageID: "x1", path: "/dev/nbd0", client: ClientAddress("10.0.0.1:0/9")))
            #expect(
                runner.lines.first
                    == "rbd --conf /c --id docker device map --device-type nbd --pool rbd --image x")
            #expect(try await mapper(bench, world, runner).mapped() == [device])
        }
    }

    @Test func anImageMappedByHandHasNoAddress() async throws {
        try await run { _, world, _, nbd in
            _ = try await nbd.map(image, id: nil, options: [])
            world.devices.withLock { $0 = ["/dev/nbd0": "other"] }
            #expect(
                try await nbd.mapped()
                    == [MappedDevice(image: ImageReference(pool: "rbd", name: "other"), path: "/dev/nbd0")])
        }
    }

    @Test func aMappingOfUnknownAddressIsNotKept() async throws {
        try await LinuxBench.run("nbd") { bench in
            let world = World()
            let runner = ScriptedRunner { world.answer($0) }
            let nbd = NbdMapper(
                files: CephClientFiles(confPath: "/c", user: "docker"), stateFolder: bench.scratch.path, runner: runner,
                kernel: bench.kernel
            ) { _ in WatchedImage(id: "x1", watchers: []) }
            #expect(await errorOf { _ = try await nbd.map(image, id: nil, options: []) } != nil)
        }
    }

    /// `rbd-nbd` itself has the device open for as long as it serves it.
    @Test(arguments: [true, false]) func onlyOthersMakeADeviceBusy(whoHasItOpenServesIt: Bool) async throws {
        try await LinuxBench.run("nbd") { bench in
            let path = try await LoopDisk.make(bench, .mebibytes(64)).device
            let file = open(path, O_RDWR | O_CLOEXEC)
            defer { close(file) }
            let server = whoHasItOpenServesIt ? ProcessInfoForTests.pid : 1
            let isMapped = Mutex(true)
            let runner = ScriptedRunner { command in
                if command.arguments.contains("unmap") { isMapped.withLock { $0 = false } }
                let line = #"{"id":\#(server),"pool":"rbd","image":"x","device":"\#(path)"}"#
                return CommandResult(.exited(0), output: isMapped.withLock(\.self) ? "[\(line)]" : "[]")
            }
            let nbd = mapper(bench, World(), runner)
            let error = await errorOf { try await nbd.unmap(MappedDevice(image: image, path: path)) }
            #expect(error?.code == (whoHasItOpenServesIt ? nil : .busy))
            #expect(isMapped.withLock(\.self) == !whoHasItOpenServesIt)
        }
    }

    @Test func aMappingWhoseProcessHasEndedIsDead() async throws {
        try await run { bench, world, runner, nbd in
            let said = try await bench.tool("bash", "-c", "(exec -a rbd-nbd sleep 60) >/dev/null 2>&1 & echo $!")
            let process = said.filter(\.isNumber)
            world.process.withLock { $0 = process }
            let device = try await nbd.map(image, id: nil, options: [])
            // Once it has become the program that it is to be.
            try await waitUntil { try await nbd.deadMappings().isEmpty }
            try await bench.tool("kill", process)
            try await waitUntil { try await !nbd.deadMappings().isEmpty }
            #expect(try await mapper(bench, world, runner).deadMappings() == [device])
        }
    }

    @Test func unmappingWhatIsNotMappedSucceeds() async throws {
        try await run { _, _, runner, nbd in
            try await nbd.unmap(MappedDevice(image: image, path: "/dev/nbd0"))
            #expect(runner.lines == ["rbd-nbd list-mapped --format json"])
        }
    }
}
