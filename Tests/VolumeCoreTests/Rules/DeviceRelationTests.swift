import Testing
import VolumeCore

@Suite struct DeviceRelationTests {
    private let volume: VolumeRecord
    private let client = ClientAddress("10.0.0.1:0/7")

    init() throws { volume = try Fixture.volume() }

    private func device(_ id: String?, named name: String? = nil, in pool: String = "rbd") -> MappedDevice {
        var image = volume.image.named(name ?? volume.image.name)
        image.pool = pool
        return MappedDevice(image: image, imageID: id, path: "/dev/rbd0", client: client)
    }

    private func relation(_ device: MappedDevice, recorded: Attachment? = nil) -> DeviceRelation {
        device.relation(to: volume, recorded: recorded)
    }

    @Test("A2: the image's id decides, under whatever name it was mapped")
    func a2TheIDDecides() {
        #expect(relation(device(volume.imageID)) == .itsImage)
        #expect(relation(device(volume.imageID, named: "db.renamed")) == .itsImage)
        #expect(relation(device("other")) == .anotherOfItsName)
        #expect(relation(device("other", named: "x")) == .unrelated)
        #expect(relation(device(nil, named: "x")) == .unrelated)
        #expect(relation(device(volume.imageID, in: "ssd")) == .unrelated, "ids are those of one pool")
    }

    @Test("A2: of a volume whose image is not known yet nothing is its device")
    func a2AnUnknownImageHasNoDevice() {
        var creating = volume
        creating.imageID = nil
        #expect(device("x").relation(to: creating, recorded: nil) == .anotherOfItsName)
        #expect(device(nil).relation(to: creating, recorded: nil) == .unknownOfItsName)
    }

    @Test("A2: without an id only a record that names device and client makes it the volume's")
    func a2WithoutAnIDTheRecordDecides() {
        let record = Fixture.attachment(.attached, clients: [client].compactMap(\.self))
        #expect(relation(device(nil), recorded: record) == .itsImage)
        #expect(relation(device(nil)) == .unknownOfItsName)
        #expect(relation(device("other"), recorded: record) == .anotherOfItsName)
        var changed = record
        changed.device = "/dev/rbd1"
        #expect(relation(device(nil), recorded: changed) == .unknownOfItsName)
        changed = record
        changed.clients = []
        #expect(relation(device(nil), recorded: changed) == .unknownOfItsName)
        changed = record
        changed.volumeUID = "another volume of that name"
        #expect(relation(device(nil), recorded: changed) == .unknownOfItsName)
        var anonymous = device(nil)
        anonymous.client = nil
        #expect(relation(anonymous, recorded: record) == .unknownOfItsName)
    }
}
