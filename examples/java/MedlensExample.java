import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Send a file to a running service, wait, and print what was found. Plain Java 17:
 *
 * <pre>java examples/java/MedlensExample.java http://127.0.0.1:8000 chest.dcm</pre>
 *
 * A token is read from MEDLENS_TOKEN; a service started with --demo needs none.
 */
public final class MedlensExample {
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final int MOST_LOOKS = 240;

    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(10))
                    .build();
    private final String url;
    private final String token;

    private MedlensExample(String url, String token) {
        this.url = url.replaceAll("/+$", "") + "/api/v1";
        this.token = token;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length != 2) {
            System.err.println("usage: java MedlensExample.java URL FILE");
            System.exit(2);
        }
        String token = System.getenv().getOrDefault("MEDLENS_TOKEN", "");
        try {
            System.out.println(new MedlensExample(args[0], token).run(Path.of(args[1])));
        } catch (Refused refused) {
            System.err.println(refused.getMessage());
            System.exit(1);
        }
    }

    private String run(Path file) throws IOException, InterruptedException {
        long study = number("studies", upload(file));
        answerNow(study);
        return send(request("/results/" + waitForResult(study) + "/text").GET());
    }

    /** One file is the body as it is; what it is, its bytes say. */
    private String upload(Path file) throws IOException, InterruptedException {
        return send(
                request("/uploads")
                        .header("Content-Type", "application/octet-stream")
                        .POST(HttpRequest.BodyPublishers.ofFile(file)));
    }

    /** The key makes a second try, after a broken line, the same request. */
    private void answerNow(long study) throws IOException, InterruptedException {
        send(
                request("/studies/" + study + "/answers")
                        .header("Idempotency-Key", UUID.randomUUID().toString())
                        .POST(HttpRequest.BodyPublishers.noBody()));
    }

    private long waitForResult(long study) throws IOException, InterruptedException {
        for (int look = 0; look < MOST_LOOKS; look++) {
            String said = send(request("/studies/" + study).GET());
            String line = said.split("\"series\":", 2)[0];
            String state = find("\"state\":\"([a-z]+)\"", line);
            if (state.equals("answered") || state.equals("refused")) {
                return number("result_id", line);
            }
            if (state.equals("failed")) {
                throw new Refused("study " + study + " failed");
            }
            Thread.sleep(500);
        }
        throw new Refused("study " + study + " has no answer yet");
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder made = HttpRequest.newBuilder(URI.create(url + path));
        made.timeout(TIMEOUT);
        return token.isEmpty() ? made : made.header("Authorization", "Bearer " + token);
    }

    private String send(HttpRequest.Builder made) throws IOException, InterruptedException {
        HttpResponse<String> reply = http.send(made.build(), BodyHandlers.ofString());
        if (reply.statusCode() >= 400) { // a problem document (RFC 9457)
            String why = find("\"detail\":\"((?:[^\"\\\\]|\\\\.)*)\"", reply.body());
            throw new Refused("HTTP " + reply.statusCode() + ": " + why);
        }
        return reply.body();
    }

    /** Java has no JSON of its own: take a library for more than these few keys. */
    private static long number(String key, String json) {
        return Long.parseLong(find("\"" + key + "\":\\[?(\\d+)", json));
    }

    private static String find(String pattern, String text) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        if (!matcher.find()) {
            throw new Refused("the service did not answer as expected");
        }
        return matcher.group(1);
    }

    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refused(String why) {
            super(why);
        }
    }
}
