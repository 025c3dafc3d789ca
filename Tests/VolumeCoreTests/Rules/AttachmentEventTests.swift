import Testing
import VolumeCore

/// Every state with every event: what it becomes, or that it is refused.
@Suite struct AttachmentEventTests {
    private static let device = MappedDevice(
        image: ImageReference(pool: "rbd", name: "db"), path: "/dev/rbd3", client: ClientAddress("10.0.0.1:0/7"))

    private static let events: [String: AttachmentEvent] = [
        "mapped": .mapped(device, mapper: "krbd"), "mounted": .mounted(at: "/m/db", .none), "changed": .changed(.none),
        "growthFailed": .growthFailed("why"),
        "detach": .detach,
        "stayed": .stayed, "reattach": .reattach, "fenceStands": .fenceStands,
    ]

    /// The successor of each legal pair. A device is recorded wherever the state allows one.
    private static let successors: [String: Attachment.State] = [
        "attaching mapped": .attaching, "attaching mounted": .attached, "attaching detach": .detaching,
        "attaching reattach": .attaching, "attached changed": .attached, "attached growthFailed": .attached,
        "attached detach": .detaching,
        "attached reattach": .attaching,
        "detaching detach": .detaching, "detaching stayed": .attached, "detaching reattach": .attaching,
        "fencing fenceStands": .attaching,
    ]

    @Test(arguments: Attachment.State.allCases, events.keys.sorted())
    func theTableIsComplete(_ state: Attachment.State, event: String) throws {
        var attachment = Fixture.attachment(state)
        if state == .attaching { attachment.device = "/dev/rbd3" }
        let applied = try #require(Self.events[event])
        if let successor = Self.successors["\(state) \(event)"] {
            #expect(try attachment.applying(applied).state == successor)
        } else {
            let error = try #require(throws: VolumeError.self) { try attachment.applying(applied) }
            #expect(error.code == .internalFault)
        }
    }

    @Test func mappingRecordsWhatAFenceNeeds() throws {
        let mapped = try Fixture.attachment(.attaching).applying(.mapped(Self.device, mapper: "krbd"))
        #expect(mapped.device == "/dev/rbd3")
        #expect(mapped.clients.map(\.description) == ["10.0.0.1:0/7"])
        #expect(mapped.mapper == "krbd")
    }

    @Test func nothingIsMountedWithoutADevice() {
        #expect(throws: VolumeError.self) { try Fixture.attachment(.attaching).applying(.mounted(at: "/m/db", .none)) }
    }

    @Test func noEventTouchesEpochOwnerOrIDs() throws {
        for state in Attachment.State.allCases {
            for event in Self.events.values {
                var attachment = Fixture.attachment(state)
                attachment.device = "/dev/rbd3"
                guard let next = try? attachment.applying(event) else { continue }
                #expect(next.epoch == attachment.epoch)
                #expect(next.owner == attachment.owner)
                #expect(next.mountIDs == attachment.mountIDs)
            }
        }
    }
}
