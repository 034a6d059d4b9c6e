// Starts Swagger UI on the page of the API. Tries are signed in by the session of the pages.

const main = document.getElementById("reference");

function csrfToken() {
  const found = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return found ? found[1] : "";
}

window.SwaggerUIBundle({
  domNode: main,
  url: main.dataset.document,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  // Its highlighter writes style attributes, which the page's policy does not let through.
  syntaxHighlight: false,
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (request.method && request.method !== "GET") request.headers["X-CSRFToken"] = csrfToken();
    return request;
  },
});
