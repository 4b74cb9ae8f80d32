import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** Asks for the proxy's own page on the intercepted name with the client that is named first. */
class Page {
    public static void main(String[] arguments) throws Exception {
        var page = URI.create("https://api.openai.com/.well-known/azure-openai-proxy");
        if (arguments[0].equals("HttpClient")) {
            var request = HttpRequest.newBuilder(page).build();
            System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
        } else {
            var connection = (HttpURLConnection) page.toURL().openConnection();
            System.out.println(new String(connection.getInputStream().readAllBytes()));
        }
    }
}
