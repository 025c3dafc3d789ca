import LocalHTTP
import Testing

@testable import DockerVolumeAPI

@Suite("Routes and refusals")
struct RoutesTests {
    @Test(
        "Every call of Docker's has its route",
        arguments: [
            ("/Plugin.Activate", Operation.activate), ("/VolumeDriver.Capabilities", .capabilities),
            ("/VolumeDriver.Create", .create), ("/VolumeDriver.Remove", .remove), ("/VolumeDriver.Mount", .mount),
            ("/VolumeDriver.Path", .path), ("/VolumeDriver.Unmount", .unmount), ("/VolumeDriver.Get", .get),
            ("/VolumeDriver.List", .list),
        ])
    func calls(uri: String, operation: DockerVolumeAPI.Operation) {
        #expect(Routes.find(RequestTarget(method: "POST", uri: uri)) == .success(.operation(operation)))
        #expect(
            Routes.find(RequestTarget(method: "GET", uri: uri))
                == .failure(.wrongMethod("GET", path: uri, allowed: .post)))
        #expect(uri.hasSuffix(operation.title))
    }

    @Test("Health and metrics are read with GET, a query does no harm")
    func reading() {
        #expect(Routes.find(RequestTarget(method: "GET", uri: "/healthz")) == .success(.health))
        #expect(Routes.find(RequestTarget(method: "GET", uri: "/metrics?x=1")) == .success(.metrics))
        #expect(
            Routes.find(RequestTarget(method: "POST", uri: "/metrics"))
                == .failure(.wrongMethod("POST", path: "/metrics", allowed: .get)))
    }

    @Test(
        "Paths are matched exactly", arguments: ["/", "", "/volumedriver.get", "/VolumeDriver.Get/", "/VolumeDriver"])
    func unknown(uri: String) {
        #expect(Routes.find(RequestTarget(method: "POST", uri: uri)) == .failure(.unknownPath(uri)))
    }

    @Test("A malformed Get is never answered, because any answer but the volume makes Docker forget it")
    func malformedGet() {
        let get = Route.operation(.get)
        #expect(Refusal.badRequest(BadRequest(operation: .get, reason: "x")).answer == .hangUp)
        #expect(Refusal.tooLarge(get, limit: 1).answer == .hangUp)
        #expect(Refusal.notHTTP(get, why: "x").answer == .hangUp)
    }

    @Test("Every other refusal is an error with a status of its own")
    func statuses() {
        let mount = Route.operation(.mount)
        #expect(
            Refusal.badRequest(BadRequest(operation: .mount, reason: "x")).answer
                == .reply(.error("Mount: x", status: .badRequest)))
        #expect(
            Refusal.tooLarge(mount, limit: 9).answer
                == .reply(.error("Mount: the request body is longer than 9 bytes", status: .payloadTooLarge)))
        #expect(
            Refusal.notHTTP(nil, why: "odd").answer
                == .reply(.error("the request is not valid HTTP: odd", status: .badRequest)))
        guard case .reply(let reply) = Refusal.routing(.wrongMethod("GET", path: "/p", allowed: .post)).answer else {
            Issue.record("no reply")
            return
        }
        #expect(reply.status == .methodNotAllowed)
        #expect(reply.allow == "POST")
    }
}
