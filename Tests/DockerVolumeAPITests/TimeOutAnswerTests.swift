import LocalHTTP
import Testing

@testable import DockerVolumeAPI

@Suite("What a client gets when its time is up")
struct TimeOutAnswerTests {
    @Test("The time-out says what runs on; a Get gets no answer at all")
    func timeOutAnswers() throws {
        func text(_ work: Work) throws -> String {
            guard case .reply(let reply) = work.timeOutAnswer(after: .milliseconds(500)) else { return "hang up" }
            return String(decoding: reply.body, as: UTF8.self)
        }
        #expect(try text(.volume(.get, .get(name: "v"))) == "hang up")
        #expect(
            try text(.volume(.mount, .mount(name: "v", id: "1"))).contains(
                "Mount of volume 'v' is still running after 0.5 s."))
        #expect(try text(.volume(.list, .list)).contains("List is still running after 0.5 s."))
    }
}
