import RealParts
import Rig
import Testing
import VolumeCore

@testable import NodeStorage

/// Notes of mappings in a folder that outlives a boot, as a managed plugin's is.
@Suite struct MappingMarksTests {
    private let image = ImageReference(pool: "rbd", name: "x")

    @Test(
        "E14: a mark of another boot says nothing; one of this boot, or of an older version, that the plugin mapped it")
    func e14MarksOfAnotherBoot() async throws {
        try await LinuxBench.run("marks") { bench in
            let folder = bench.scratch.path + "/krbd"
            let (marks, before) = (MappingMarks(folder: folder), MappingMarks(folder: folder, boot: "before"))
            for id in [nil, "1a"] {
                try before.set(image, id: id)
                #expect(!marks.has(image, id: id) && before.has(image, id: id))
                try marks.set(image, id: id)
                #expect(marks.has(image, id: id) && !before.has(image, id: id))
                marks.clear(image, id: id)
                #expect(!marks.has(image, id: id))
            }
            try before.set(image, id: nil)
            let file = try #require(try SystemCall.names(in: folder).first)
            try SmallFile.replace("\(folder)/\(file)", with: Array("rbd/x \n".utf8))
            #expect(marks.has(image, id: "1a"))
        }
    }

    @Test("E14: after a reboot, what was mapped by nbd before it is forgotten; older notes tell no boot, and are read")
    func e14RecordsOfAnotherBoot() async throws {
        try await LinuxBench.run("records") { bench in
            let records = NbdRecords(folder: bench.scratch.path + "/nbd")
            let device = MappedDevice(image: image, path: "/dev/nbd0", client: ClientAddress("10.0.0.1:0/9"))
            try records.write(.init(device: device, process: 7, boot: "before"))
            #expect(try records.read(device.path) == nil && records.all().isEmpty)
            for boot in [KernelBoot.id, nil] {
                try records.write(.init(device: device, process: 7, boot: boot))
                #expect(try records.all().map(\.device) == [device])
            }
            #expect(!KernelBoot.id.isEmpty)
        }
    }
}
