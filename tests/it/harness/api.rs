//! A caller of the HTTP API, and the answers it gets.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::Value;

/// A caller: a base URL and the headers that say who it is.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    headers: HeaderMap,
}

/// An answer, read to its end.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// What was asked, for messages.
    asked: String,
}

impl Api {
    pub fn anonymous(base: impl Into<String>) -> Self {
        Self {
            client: Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .danger_accept_invalid_certs(true)
                .build()
                .unwrap(),
            base: base.into(),
            headers: HeaderMap::new(),
        }
    }

    pub fn bearer(base: impl Into<String>, token: impl AsRef<str>) -> Self {
        Self::anonymous(base).with("authorization", &format!("Bearer {}", token.as_ref()))
    }

    pub fn api_key(base: impl Into<String>, token: impl AsRef<str>) -> Self {
        Self::anonymous(base).with("authorization", &format!("ApiKey {}", token.as_ref()))
    }

    /// The same with its key in the header that Inkbox reads; without one, as it is.
    pub fn inkbox(&self) -> Self {
        let mut other = self.clone();
        if let Some(said) = other.headers.remove("authorization") {
            let token = said
                .to_str()
                .unwrap()
                .rsplit(' ')
                .next()
                .unwrap()
                .to_owned();
            other = other.with("x-api-key", &token);
        }
        other
    }

    /// The same with one more header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut more = self.clone();
        more.headers.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
        more
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        match body {
            None => self.raw(method, path, &[], Vec::new()).await,
            Some(body) => {
                let json = &[("content-type", "application/json")];
                self.raw(method, path, json, serde_json::to_vec(&body).unwrap())
                    .await
            }
        }
    }

    /// Any bytes with any headers.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let asked = format!("{method} {path}");
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .headers(self.headers.clone());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        Answer::read(asked.clone(), request)
            .await
            .unwrap_or_else(|error| panic!("{asked}: {error:?}"))
    }

    /// The same of a server that may end meanwhile: nothing unless all of the answer came.
    pub async fn attempt(&self, method: &str, path: &str, body: Option<Value>) -> Option<Answer> {
        let method: Method = method.parse().unwrap();
        let asked = format!("{method} {path}");
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .headers(self.headers.clone());
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::read(asked, request).await.ok()
    }

    /// The status, or nothing while nobody answers.
    pub async fn try_get(&self, path: &str) -> Option<u16> {
        let response = self
            .client
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .ok()?;
        Some(response.status().as_u16())
    }
}

impl Answer {
    async fn read(asked: String, request: reqwest::RequestBuilder) -> reqwest::Result<Self> {
        let response = request.send().await?;
        Ok(Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
            asked,
        })
    }

    /// The answer, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{} answered {}",
            self.asked,
            self.string()
        );
        self
    }

    pub fn string(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error} in {}", self.asked, self.string()))
    }

    /// The member at this JSON pointer; null when there is none.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// The text at this JSON pointer.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        match self.at(pointer) {
            Value::String(text) => text,
            other => panic!("{}: {pointer} is {other} in {}", self.asked, self.string()),
        }
    }

    /// The names of the members at this JSON pointer, in order of their names.
    #[track_caller]
    pub fn members(&self, pointer: &str) -> Vec<String> {
        match self.at(pointer) {
            Value::Object(members) => members.keys().cloned().collect(),
            other => panic!("{}: {pointer} is {other} in {}", self.asked, self.string()),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {}", self.asked, self.status, self.string())
    }
}
